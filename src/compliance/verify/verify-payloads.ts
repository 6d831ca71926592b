import { type Kysely, sql } from 'kysely'
import { payloadDigest } from '../../pipeline/api/records.ts'
import { revisionsWithPayload } from '../../pipeline/load/read-history.ts'
import { revisionName } from '../../pipeline/seal/leaf.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { IS_SUPERSEDED } from '../history/prune-payloads.ts'
import { type Finding, finding } from './findings.ts'

/** Rows that the cursor fetches at a time; they may be large. */
const PAGE = 500

/** Compares the digest of every stored payload with the digest that its revision was sealed with. */
export async function verifyPayloads(db: Kysely<Database>) {
  const findings: Finding[] = []
  let [checked, notChecked] = [0, 0]
  for await (const { payload, ...row } of payloadsToVerify(db).stream(PAGE)) {
    if (payload === null) notChecked++
    else checked++
    const name = `payload of ${revisionName(row.classification_id, row.revision_no)}`
    if (payload === null && row.is_removed)
      findings.push(finding(name, 'is missing, although prune never deletes it, so it was deleted manually'))
    if (payload !== null && payloadDigest(Buffer.from(payload)) !== row.payload_digest)
      findings.push(finding(name, 'differs from the received one by its digest'))
  }
  return { checked, notChecked, findings }
}

/** Every revision with the facts that its payload is compared with, in the order of the primary key. */
function payloadsToVerify(db: Kysely<Database>) {
  return revisionsWithPayload(db)
    .select(['r.classification_id', 'r.revision_no', 'r.payload_digest'])
    .select([
      sql<string | null>`p.payload::text`.as('payload'),
      sql<boolean>`p.revision_no is null and not 'disappeared' = any(r.causes) and not ${IS_SUPERSEDED}`.as(
        'is_removed',
      ),
    ])
    .orderBy('r.classification_id')
    .orderBy('r.revision_no')
}
