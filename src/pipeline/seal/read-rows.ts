import { type Kysely, sql } from 'kysely'
import { utcText } from '../../platform/postgres/clock.ts'
import type { Database } from '../../platform/postgres/database.ts'
import type { ClassificationRevisionsTable } from '../../platform/postgres/tables/classification-revisions.ts'
import type { OverrideNotesTable } from '../../platform/postgres/tables/override-notes.ts'
import type { SyncRunsTable } from '../../platform/postgres/tables/sync-runs.ts'
import { readByCursor } from '../../platform/postgres/read-by-cursor.ts'
import type { JsonObject } from '../../platform/json.ts'

/** Rows at once in memory. */
const PAGE = 2000

/** A revision as it is sealed. */
export type SealedRevision = JsonObject & {
  readonly classification_id: number
  readonly revision_no: number
}

/** A note as it is sealed. */
export type SealedNote = JsonObject & { readonly note_id: number }

/** The revisions of one run by key, as they are sealed; within a transaction. */
export async function* revisionsOf(trx: Kysely<Database>, runId: string): AsyncGenerator<SealedRevision> {
  const revisions = sealedRevisions(trx)
    .where('run_id', '=', runId)
    .orderBy('classification_id')
    .orderBy('revision_no')
  for await (const row of readByCursor(trx, revisions)) yield withoutNulls(row) as SealedRevision
}

/** Revisions of one classification, from one to another. */
export interface RevisionRange {
  readonly classification_id: number
  readonly first: number
  readonly last: number
}

/** The revisions of some ranges, as they are sealed, each once, by key. */
export async function revisionsIn(
  db: Kysely<Database>,
  ranges: readonly RevisionRange[],
): Promise<SealedRevision[]> {
  // Kysely has no word for unnest over several arrays.
  const rows = await sealedRevisions(db)
    .where(
      sql<boolean>`(classification_id, revision_no) in (
        select r.classification_id, r.revision_no
        from unnest(
          ${ranges.map((range) => range.classification_id)}::bigint[],
          ${ranges.map((range) => range.first)}::integer[],
          ${ranges.map((range) => range.last)}::integer[]
        ) as range (id, first, last)
        join identifai.classification_revisions as r
          on r.classification_id = range.id and r.revision_no between range.first and range.last)`,
    )
    .orderBy('classification_id')
    .orderBy('revision_no')
    .execute()
  return rows.map((row) => withoutNulls(row) as SealedRevision)
}

function sealedRevisions(db: Kysely<Database>) {
  return db
    .selectFrom('identifai.classification_revisions')
    .select(REVISION_COLUMNS)
    .select(REVISION_TIMES.map((column) => utcText(sql.ref(column)).as(column)))
}

/** Notes after one and up to another, by key, as they are sealed. */
export async function notesBetween(
  db: Kysely<Database>,
  after: number,
  through: number,
): Promise<SealedNote[]> {
  const rows = await db
    .selectFrom('identifai.override_notes')
    .select(NOTE_COLUMNS)
    .select(utcText(sql`noted_at`).as('noted_at'))
    .where('note_id', '>', after)
    .where('note_id', '<=', through)
    .orderBy('note_id')
    .execute()
  return rows.map((row) => withoutNulls(row) as SealedNote)
}

/** A run as it is sealed, and its place in the chain. */
export interface SealedRunRow {
  readonly chain_position: number
  /** Hex. */
  readonly merkle_root: string
  readonly chain_head: string
  readonly row: JsonObject & { readonly run_id: string }
}

/** The sealed runs in the order of the chain, up to a position or all. */
export async function* sealedRuns(db: Kysely<Database>, through?: number): AsyncGenerator<SealedRunRow> {
  // No bound at first, so that no row escapes by its position.
  for (let after: number | undefined; ; ) {
    const rows = await sealedRunRows(db)
      .select(['chain_position', 'merkle_root', 'chain_head'])
      .where('chain_position', 'is not', null)
      .$if(after !== undefined, (query) => query.where('chain_position', '>', after as number))
      .$if(through !== undefined, (query) => query.where('chain_position', '<=', through as number))
      .orderBy('chain_position')
      .limit(PAGE)
      .execute()
    if (rows.length === 0) return
    for (const { chain_position, merkle_root, chain_head, ...row } of rows) {
      after = chain_position as number
      yield {
        chain_position: after,
        merkle_root: merkle_root ?? '',
        chain_head: chain_head ?? '',
        row: withoutNulls(row) as SealedRunRow['row'],
      }
    }
  }
}

/** The row of a run as it is sealed: without what changes while it runs and what the chain adds to it. */
export async function sealedRowOf(db: Kysely<Database>, runId: string): Promise<JsonObject> {
  return withoutNulls(await sealedRunRows(db).where('run_id', '=', runId).executeTakeFirstOrThrow())
}

function sealedRunRows(db: Kysely<Database>) {
  return db
    .selectFrom('identifai.sync_runs')
    .select(RUN_COLUMNS)
    .select(RUN_TIMES.map((column) => utcText(sql.ref(column)).as(column)))
}

/**
 * What is null is left out, so that a version that adds a column seals old rows as they were: nothing is ever taken from
 * the lists below, and what is added to them has to be null, not a default, in rows that were sealed before. Times are
 * sealed as UTC text with six digits.
 */
function withoutNulls(row: object): JsonObject {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null))
}

const REVISION_COLUMNS = [
  'classification_id',
  'revision_no',
  'run_id',
  'causes',
  'identifier',
  'source',
  'name',
  'ref_id',
  'result_url',
  'file_hash',
  'status',
  'api_version',
  'machine_classification',
  'machine_confidence',
  'machine_heuristic',
  'force_classification',
  'content_digest',
  'digest_version',
] as const satisfies readonly (keyof ClassificationRevisionsTable)[]

const REVISION_TIMES = ['observed_at', 'previous_confirmed_at', 'submitted_at'] as const

const NOTE_COLUMNS = [
  'note_id',
  'media',
  'file_hash',
  'forced_to',
  'author',
  'reason',
  'ticket',
  'reviewer',
] as const satisfies readonly (keyof OverrideNotesTable)[]

const RUN_COLUMNS = [
  'run_id',
  'trigger',
  'status',
  'host',
  'pid',
  'version',
  'error',
  'requests',
  'retries',
  'throttled',
  'claimed',
  'returned',
  'done',
  'pending',
  'errored',
  'not_returned',
  'quarantined',
  'released',
  'changed',
  'unchanged',
  'force_changes',
  'tracked_count',
  'pending_count',
  'done_count',
  'errored_count',
  'missing_count',
  'quarantined_count',
  'retired_count',
  'reanalyzing_count',
  'retired_reasons',
  'unsealed_runs',
  'notes_through',
] as const satisfies readonly (keyof SyncRunsTable)[]

const RUN_TIMES = [
  'started_at',
  'finished_at',
  'confirmed_since',
  'unfinished_enqueued_since',
  'first_http_date',
  'last_http_date',
] as const
