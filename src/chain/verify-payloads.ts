import { type Kysely, sql } from 'kysely'
import type { Database } from '../db/database.ts'
import type { Endpoint } from '../endpoint.ts'
import type { JsonObject } from '../json.ts'
import { contentDigest, DIGEST_VERSION } from '../normalize/content-digest.ts'
import { IS_SUPERSEDED } from '../history/is-superseded.ts'
import { type Finding, finding } from './findings.ts'
import { revisionName } from './leaf.ts'

/** Revisions at once in memory. */
const PAGE = 500

/** Digests every kept record anew and holds it against the digest that its revision was sealed with. */
export async function verifyPayloads(
  db: Kysely<Database>,
  endpoint: Endpoint,
): Promise<{ readonly checked: number; readonly notChecked: number; readonly findings: readonly Finding[] }> {
  const findings: Finding[] = []
  let [checked, notChecked] = [0, 0]
  for (let [id, no] = [Number.MIN_SAFE_INTEGER, 0]; ; ) {
    const rows = await page(db, id, no)
    const last = rows.at(-1)
    if (!last) return { checked, notChecked, findings }
    for (const row of rows) {
      const name = `payload of ${revisionName(row.classification_id, row.revision_no)}`
      if (row.kept_no === null || row.digest_version !== DIGEST_VERSION) {
        notChecked++
        if (row.kept_no === null && row.is_needed) findings.push(finding(name, REMOVED))
        continue
      }
      checked++
      const problem = problemOf(row, endpoint)
      if (problem === undefined) continue
      findings.push(finding(name, problem))
    }
    ;[id, no] = [last.classification_id, last.revision_no]
  }
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

async function page(db: Kysely<Database>, id: number, no: number) {
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
    .where(sql<boolean>`(r.classification_id, r.revision_no) > (${id}, ${no})`)
    .orderBy('r.classification_id')
    .orderBy('r.revision_no')
    .limit(PAGE)
    .execute()
}
