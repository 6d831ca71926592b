import { type Kysely, sql } from 'kysely'
import type { Database } from '../db/database.ts'
import type { Endpoint } from '../endpoint.ts'
import type { JsonObject } from '../json.ts'
import { contentDigest, DIGEST_VERSION } from '../normalize/content-digest.ts'
import type { Finding } from './findings.ts'

/** Revisions at once in memory. */
const PAGE = 500

/** Digests every kept record anew and holds it against the digest that its revision was sealed with. */
export async function verifyPayloads(
  db: Kysely<Database>,
  endpoint: Endpoint,
): Promise<{ readonly checked: number; readonly notChecked: number; readonly findings: readonly Finding[] }> {
  const findings: Finding[] = []
  let [checked, notChecked] = [0, 0]
  for (let [id, no] = [0, 0]; ; ) {
    const rows = await page(db, id, no)
    const last = rows.at(-1)
    if (!last) return { checked, notChecked, findings }
    for (const { classification_id, revision_no, content_digest, digest_version, payload } of rows) {
      if (payload === null || digest_version !== DIGEST_VERSION) {
        notChecked++
        continue
      }
      checked++
      if (contentDigest(endpoint.canonicalize(payload as JsonObject)) === content_digest) continue
      findings.push({
        chain_position: null,
        what: `payload of revision ${revision_no} of classification ${classification_id}`,
        problem: 'is not what was received: its digest is another',
      })
    }
    ;[id, no] = [last.classification_id, last.revision_no]
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
    .select(['r.classification_id', 'r.revision_no', 'r.content_digest', 'r.digest_version', 'p.payload'])
    .where(sql<boolean>`(r.classification_id, r.revision_no) > (${id}, ${no})`)
    .orderBy('r.classification_id')
    .orderBy('r.revision_no')
    .limit(PAGE)
    .execute()
}
