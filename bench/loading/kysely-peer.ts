/**
 * The same load, written in the simplest way. It reads batch after batch with zod and our normalizer, and inserts the rows by
 * Kysely in one transaction for each batch. It writes the same rows, history included. It keeps no lease, compares with no
 * earlier content, and seals nothing. Prints its seconds on standard output. node bench/loading/kysely-peer.ts
 */
import { hash } from 'node:crypto'
import type { Transaction } from 'kysely'
import { audioEndpoint } from '../../src/media/audio/endpoint.ts'
import { connect } from '../../src/platform/postgres/connect.ts'
import type { Database } from '../../src/platform/postgres/database.ts'
import type { JsonObject } from '../../src/platform/json.ts'

/** Most parameters that PostgreSQL takes in one statement. */
const PARAMETERS = 65_535

const { DATABASE_URL = '', API_URL = '' } = process.env
const { db } = connect({ connectionString: DATABASE_URL, maxConnections: 1 })
await db.selectFrom('identifai.identifiers').select('id').limit(1).execute()
const startedAt = performance.now()
for (;;) {
  const due = await db
    .selectFrom('identifai.identifiers')
    .select(['id', 'identifier'])
    .where('state', '=', 'pending')
    .orderBy('id')
    .limit(100)
    .execute()
  if (due.length === 0) break
  const query = due.map(({ identifier }) => `identifiers[]=${identifier}`).join('&')
  const response = await fetch(`${API_URL}/classifications_audio?${query}`)
  const records = (await response.json()) as (JsonObject & { readonly identifier: string })[]
  const ids = new Map(due.map(({ id, identifier }) => [identifier, id]))
  const loaded = records.flatMap((record) => {
    const validation = audioEndpoint.validate(record)
    const id = ids.get(record.identifier)
    return validation.accepted && id !== undefined
      ? [{ id, record, rows: audioEndpoint.normalize(id, validation.classification) }]
      : []
  })
  const now = new Date()
  const run_id = '00000000-0000-0000-0000-000000000000'
  await db.transaction().execute(async (trx) => {
    const facts = { revision_no: 1, observed_at: now, run_id }
    await insert(
      trx,
      'identifai.classifications',
      loaded.map(({ rows }) => ({ ...rows.classification, ...facts })),
    )
    for (const { name } of audioEndpoint.tables) {
      await insert(
        trx,
        `identifai.${name}`,
        loaded.flatMap(({ rows }) => rows.children[name] ?? []),
      )
    }
    await insert(
      trx,
      'identifai.classification_revisions',
      loaded.map(({ id, record, rows }) => ({
        ...rows.revision,
        ...facts,
        classification_id: id,
        media: 'audio',
        identifier: record.identifier,
        personal_commitment: hash('sha256', record.identifier),
        payload_commitment: hash('sha256', JSON.stringify(record)),
        causes: ['first_seen'],
        previous_confirmed_at: null,
        submitted_at: null,
      })),
    )
    await insert(
      trx,
      'identifai.personal_values',
      loaded.map(({ id, rows }) => ({
        classification_id: id,
        revision_no: 1,
        salt: hash('sha256', String(id)),
        name: rows.classification.name,
        ref_id: rows.classification.ref_id,
        result_url: rows.classification.result_url,
        source: null,
        content_digest: rows.contentDigest,
        digest_version: 1,
      })),
    )
    await insert(
      trx,
      'identifai.revision_payloads',
      loaded.map(({ id, record }) => ({
        classification_id: id,
        revision_no: 1,
        payload: JSON.stringify(record),
      })),
    )
    await trx
      .updateTable('identifai.identifiers')
      .set({ state: 'done', last_confirmed_at: now, finished_at: now })
      .where(
        'id',
        'in',
        loaded.map(({ id }) => id),
      )
      .execute()
  })
}
console.log((performance.now() - startedAt) / 1000)
await db.destroy()

/** As few statements as the parameters allow. */
async function insert(trx: Transaction<Database>, table: string, rows: readonly object[]): Promise<void> {
  const columns = Object.keys(rows[0] ?? {}).length
  const atOnce = Math.floor(PARAMETERS / columns)
  for (let first = 0; first < rows.length; first += atOnce) {
    await trx
      .insertInto(table as keyof Database)
      .values(rows.slice(first, first + atOnce))
      .execute()
  }
}
