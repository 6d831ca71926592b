import { type Kysely, sql } from 'kysely'
import { utcText } from '../db/clock.ts'
import type { Database } from '../db/database.ts'
import type { JsonObject } from '../json.ts'

/** Rows at once in memory. */
const PAGE = 2000

/** The revisions of one run by key, all their columns, times as UTC text with six digits. */
export async function* revisionsOf(db: Kysely<Database>, runId: string): AsyncGenerator<RevisionLeafRow> {
  let [id, no] = [0, 0]
  for (;;) {
    const rows = await db
      .selectFrom('identifai.classification_revisions')
      .selectAll()
      .select([
        utcText(sql`observed_at`).as('observed_at'),
        utcText(sql`previous_confirmed_at`).as('previous_confirmed_at'),
        utcText(sql`submitted_at`).as('submitted_at'),
      ])
      .where('run_id', '=', runId)
      .where(sql<boolean>`(classification_id, revision_no) > (${id}, ${no})`)
      .orderBy('classification_id')
      .orderBy('revision_no')
      .limit(PAGE)
      .execute()
    if (rows.length === 0) return
    yield* rows as unknown as RevisionLeafRow[]
    const last = rows.at(-1)
    ;[id, no] = [last?.classification_id ?? id, last?.revision_no ?? no]
  }
}

export type RevisionLeafRow = JsonObject & {
  readonly classification_id: number
  readonly revision_no: number
}

/** Notes after one and up to another, by key, all their columns, times as UTC text with six digits. */
export async function notesBetween(
  db: Kysely<Database>,
  after: number,
  through: number,
): Promise<(JsonObject & { readonly note_id: number })[]> {
  const rows = await db
    .selectFrom('identifai.override_notes')
    .selectAll()
    .select(utcText(sql`noted_at`).as('noted_at'))
    .where('note_id', '>', after)
    .where('note_id', '<=', through)
    .orderBy('note_id')
    .execute()
  return rows
}

/** The row of a run without what changes while it runs and what the chain adds to it, times as UTC text. */
export async function sealedRowOf(db: Kysely<Database>, runId: string): Promise<JsonObject> {
  const row = await db
    .selectFrom('identifai.sync_runs')
    .selectAll()
    .select([
      utcText(sql`started_at`).as('started_at'),
      utcText(sql`finished_at`).as('finished_at'),
      utcText(sql`confirmed_since`).as('confirmed_since'),
      utcText(sql`unsettled_enqueued_since`).as('unsettled_enqueued_since'),
      utcText(sql`first_http_date`).as('first_http_date'),
      utcText(sql`last_http_date`).as('last_http_date'),
    ])
    .where('run_id', '=', runId)
    .executeTakeFirstOrThrow()
  const { heartbeat_at: _, chain_position: __, merkle_root: ___, chain_head: ____, ...sealed } = row
  return sealed
}
