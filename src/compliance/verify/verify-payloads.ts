import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import type { Endpoint } from '../../media/endpoint.ts'
import type { JsonObject } from '../../platform/json.ts'
import { contentDigest, DIGEST_VERSION } from '../../media/content-digest.ts'
import { IS_SUPERSEDED } from '../history/is-superseded.ts'
import { type Finding, finding } from './findings.ts'
import { revisionName } from '../../pipeline/seal/leaf.ts'

/** Rows that the cursor fetches at once; they may be large. */
const RECORDS_AT_ONCE = 500

/** Digests every kept record anew and holds it against the digest that its revision was sealed with. */
export async function verifyPayloads(
  db: Kysely<Database>,
  endpoint: Endpoint,
): Promise<{ readonly checked: number; readonly notChecked: number; readonly findings: readonly Finding[] }> {
  const findings: Finding[] = []
  let [checked, notChecked] = [0, 0]
  for await (const row of storedRecords(db).stream(RECORDS_AT_ONCE)) {
    const name = `payload of ${revisionName(row.classification_id, row.revision_no)}`
    if (row.kept_no === null || row.digest_version !== DIGEST_VERSION) {
      notChecked++
      if (row.kept_no === null && row.is_needed) findings.push(finding(name, REMOVED))
      continue
    }
    checked++
    const problem = problemOf(row, endpoint)
    if (problem !== undefined) findings.push(finding(name, problem))
  }
  return { checked, notChecked, findings }
}

const REMOVED = 'is not there, and prune would have kept it: it was removed by hand'

/** The link is no content, so that the digest does not cover it; the revision has it. */
function problemOf(
  row: { readonly payload: unknown; readonly content_digest: string; readonly result_url: string | null },
  endpoint: Endpoint,
): string | undefined {
  const changed = 'is not what was received: its digest is another'
  try {
    const payload = row.payload as JsonObject
    if (contentDigest(endpoint.canonicalize(payload)) !== row.content_digest) return changed
    return (payload.result_url ?? null) === row.result_url
      ? undefined
      : 'is not what was received: its result_url is another'
  } catch {
    // No record at all, such as null, or one that no answer could have been.
    return changed
  }
}

/** Every revision, with its record where that is kept. */
function storedRecords(db: Kysely<Database>) {
  return db
    .selectFrom('identifai.classification_revisions as r')
    .leftJoin('identifai.revision_payloads as p', (join) =>
      join
        .onRef('p.classification_id', '=', 'r.classification_id')
        .onRef('p.revision_no', '=', 'r.revision_no'),
    )
    .select([
      'r.classification_id',
      'r.revision_no',
      'r.content_digest',
      'r.digest_version',
      'r.result_url',
      'p.revision_no as kept_no',
      'p.payload',
      sql<boolean>`p.revision_no is null and not 'disappeared' = any(r.causes) and not ${IS_SUPERSEDED}`.as(
        'is_needed',
      ),
    ])
    .orderBy('r.classification_id')
    .orderBy('r.revision_no')
}
