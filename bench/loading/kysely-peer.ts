/**
 * A straightforward implementation of the same load: batch after batch, with zod and our normalizer. Kysely inserts the
 * rows in one transaction per batch. It writes the same rows, history included, but keeps no lease, compares no content
 * and seals nothing. Prints its seconds on standard output.
 */
import type { Insertable, Transaction } from 'kysely'
import { audioEndpoint } from '../../src/media/audio/endpoint.ts'
import { connect } from '../../src/platform/postgres/connect.ts'
import type { Database } from '../../src/platform/postgres/database.ts'
import type { JsonObject } from '../../src/platform/json.ts'

/** The most parameters that PostgreSQL accepts in a statement. */
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
    await insert(
      trx,
      'identifai.clips',
      loaded.flatMap(({ rows }) => rows.clips),
    )
    await insert(
      trx,
      'identifai.verdicts',
      loaded.flatMap(({ rows }) => rows.verdicts),
    )
    await insert(
      trx,
      'identifai.verdict_models',
      loaded.flatMap(({ rows }) => rows.verdictModels),
    )
    await insert(
      trx,
      'identifai.model_results',
      loaded.flatMap(({ rows }) => rows.modelResults),
    )
    await insert(
      trx,
      'identifai.model_scores',
      loaded.flatMap(({ rows }) => rows.modelScores),
    )
    await insert(
      trx,
      'identifai.classification_revisions',
      loaded.map(({ id, record, rows }) => ({
        ...rows.revision,
        ...facts,
        classification_id: id,
        identifier: record.identifier,
        causes: ['first_seen'],
        previous_confirmed_at: null,
        source: null,
        submitted_at: null,
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

/** Inserts rows in as few statements as the limit of parameters allows. */
async function insert<Table extends keyof Database>(
  trx: Transaction<Database>,
  table: Table,
  rows: readonly Insertable<Database[Table]>[],
): Promise<void> {
  const columns = Object.keys(rows[0] ?? {}).length
  const rowsEach = Math.floor(PARAMETERS / columns)
  for (let first = 0; first < rows.length; first += rowsEach) {
    await trx
      .insertInto(table)
      .values(rows.slice(first, first + rowsEach))
      .execute()
  }
}
