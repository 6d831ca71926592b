import { type Kysely, sql } from 'kysely'
import { contentDigest, DIGEST_VERSION } from '../../media/content-digest.ts'
import { endpointOf } from '../../media/registry.ts'
import { revisionsWithPayload } from '../../pipeline/load/read-history.ts'
import { revisionName } from '../../pipeline/seal/leaf.ts'
import type { JsonObject } from '../../platform/json.ts'
import type { Database } from '../../platform/postgres/database.ts'
import type { RevisionRow } from '../../platform/postgres/tables/history.ts'
import { IS_SUPERSEDED } from '../history/prune-payloads.ts'
import { type Finding, finding } from './findings.ts'

/** Rows that the cursor fetches at a time; they may be large. */
const PAGE = 500

/** Compares the digest of every stored payload with the digest that its revision was sealed with. */
export async function verifyPayloads(db: Kysely<Database>) {
  const findings: Finding[] = []
  let [checked, notChecked] = [0, 0]
  for await (const row of payloadsToVerify(db).stream(PAGE)) {
    const name = `payload of ${revisionName(row.classification_id, row.revision_no)}`
    const isChecked = row.has_payload && row.digest_version === DIGEST_VERSION
    if (isChecked) checked++
    else notChecked++
    const problem = isChecked ? problemOf(row) : row.is_removed ? REMOVED : undefined
    if (problem !== undefined) findings.push(finding(name, problem))
  }
  return { checked, notChecked, findings }
}

const REMOVED = 'is missing, although prune never deletes it, so it was deleted manually'

/** Compares the result_url, too: it is no content, so that the digest does not cover it, but the revision has it. */
function problemOf(
  row: Pick<RevisionRow, 'media' | 'content_digest' | 'result_url'> & { readonly payload: unknown },
): string | undefined {
  const endpoint = endpointOf(row.media)
  const changed = 'differs from the received one by its digest'
  try {
    const payload = row.payload as JsonObject
    if (contentDigest(endpoint.canonicalize(payload)) !== row.content_digest) return changed
    return (payload.result_url ?? null) === row.result_url
      ? undefined
      : 'differs from the received one by its result_url'
  } catch {
    // The payload is not a record, such as null, or a record that the contract would have quarantined.
    return changed
  }
}

/** Every revision with the facts that its payload is compared with, in the order of the primary key. */
function payloadsToVerify(db: Kysely<Database>) {
  return revisionsWithPayload(db)
    .select(['r.classification_id', 'r.revision_no', 'r.media', 'r.result_url'])
    .select(['r.content_digest', 'r.digest_version', 'p.payload'])
    .select([
      sql<boolean>`p.revision_no is not null`.as('has_payload'),
      sql<boolean>`p.revision_no is null and not 'disappeared' = any(r.causes) and not ${IS_SUPERSEDED}`.as(
        'is_removed',
      ),
    ])
    .orderBy('r.classification_id')
    .orderBy('r.revision_no')
}
