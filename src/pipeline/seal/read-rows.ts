import { type Kysely, sql } from 'kysely'
import type { Json, JsonObject } from '../../platform/json.ts'
import { utcText } from '../../platform/postgres/clock.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { pagesByCursor } from '../../platform/postgres/read-by-cursor.ts'
import { columnsOf, type Table, typeOf } from '../../platform/postgres/table.ts'
import { ACTIONS, CLASSIFICATION_REVISIONS, OVERRIDE_NOTES } from '../../platform/postgres/tables/history.ts'
import { SYNC_RUNS, UNSEALED_RUN_COLUMNS } from '../../platform/postgres/tables/runs.ts'

/** Rows that are in memory together. */
const PAGE = 2000

/** A revision in its sealed form. */
export type SealedRevision = JsonObject & {
  readonly classification_id: number
  readonly revision_no: number
  readonly run_id: string
}

/** A note in its sealed form. */
export type SealedNote = JsonObject & { readonly note_id: number }

/** An action in its sealed form. */
export type SealedAction = JsonObject & { readonly action_id: number }

/** The sealed revisions of some runs in pages, run by run in the given order, each by key; within a transaction. */
export async function* revisionPagesOf(
  trx: Kysely<Database>,
  runIds: readonly string[],
): AsyncGenerator<SealedRevision[]> {
  const revisions = sealedRevisions(trx)
    .where('run_id', 'in', runIds)
    // Without this, the index has the order of a single run, which may be large.
    .$if(runIds.length > 1, (query) => query.orderBy(sql`array_position(${runIds}::uuid[], run_id)`))
    .orderBy('classification_id')
    .orderBy('revision_no')
  for await (const page of pagesByCursor(trx, revisions))
    yield page.map((row) => withoutNulls(row) as SealedRevision)
}

/** Revisions of one classification, `first` and `last` included. */
export interface RevisionRange {
  readonly classification_id: number
  readonly first: number
  readonly last: number
}

/** The sealed revisions of some ranges, each once, by key. */
export async function revisionsIn(
  db: Kysely<Database>,
  ranges: readonly RevisionRange[],
): Promise<SealedRevision[]> {
  // Raw SQL, because Kysely has no unnest over several arrays.
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
  return db.selectFrom('identifai.classification_revisions').select(sealedColumns(CLASSIFICATION_REVISIONS))
}

/** The sealed notes whose id is above `after` and up to `through`, by key. */
export async function notesBetween(
  db: Kysely<Database>,
  after: number,
  through: number,
): Promise<SealedNote[]> {
  const rows = await db
    .selectFrom('identifai.override_notes')
    .select(sealedColumns(OVERRIDE_NOTES))
    .where('note_id', '>', after)
    .where('note_id', '<=', through)
    .orderBy('note_id')
    .execute()
  return rows.map((row) => withoutNulls(row) as SealedNote)
}

/** The sealed actions whose id is above `after` and up to `through`, by key. */
export async function actionsBetween(
  db: Kysely<Database>,
  after: number,
  through: number,
): Promise<SealedAction[]> {
  const rows = await db
    .selectFrom('identifai.actions')
    .select(sealedColumns(ACTIONS))
    .where('action_id', '>', after)
    .where('action_id', '<=', through)
    .orderBy('action_id')
    .execute()
  return rows.map((row) => withoutNulls(row) as SealedAction)
}

/** The sealed row of a run, and its position in the chain. */
export interface SealedRunRow {
  readonly chain_position: number
  /** Hex, like the nodes. */
  readonly chain_head: string
  readonly chain_nodes: readonly string[]
  readonly row: SealedRow
}

/** The sealed columns of a run; those that are null are absent. */
type SealedRow = JsonObject & {
  readonly run_id: string
  /** Root of the tree over its revisions and new notes. */
  readonly merkle_root: string
  readonly leaf_count: number
}

/** The sealed runs in the order of the chain. */
export async function* sealedRuns(db: Kysely<Database>): AsyncGenerator<SealedRunRow> {
  // The first page has no lower bound, so that a row with an invalid position is read, too.
  for (let after: number | undefined; ; ) {
    const page = await chainedRuns(db)
      .$if(after !== undefined, (query) => query.where('chain_position', '>', after as number))
      .limit(PAGE)
      .execute()
    if (page.length === 0) return
    for (const run of page.map(asSealedRun)) {
      after = run.chain_position
      yield run
    }
  }
}

/** The sealed runs at some positions, each once, in the order of the chain. */
export async function* sealedRunsAt(
  db: Kysely<Database>,
  positions: readonly number[],
): AsyncGenerator<SealedRunRow> {
  const left = [...new Set(positions)].toSorted((one, other) => one - other)
  while (left.length > 0) {
    const page = left.splice(0, PAGE)
    const runs = chainedRuns(db).where(sql<boolean>`chain_position = any(${page}::integer[])`)
    yield* (await runs.execute()).map(asSealedRun)
  }
}

function chainedRuns(db: Kysely<Database>) {
  return sealedRunRows(db)
    .select(['chain_nodes', 'chain_head'])
    .where('chain_position', 'is not', null)
    .orderBy('chain_position')
}

function asSealedRun({
  chain_nodes,
  chain_head,
  ...row
}: Awaited<ReturnType<ReturnType<typeof chainedRuns>['execute']>>[number]): SealedRunRow {
  return {
    chain_position: row.chain_position as number,
    chain_nodes: chain_nodes ?? [],
    chain_head: chain_head ?? '',
    row: withoutNulls(row) as SealedRow,
  }
}

/** The sealed row of a run, without the columns that change while it runs, and those that follow from the sealed row. */
export async function sealedRowOf(db: Kysely<Database>, runId: string): Promise<JsonObject> {
  return withoutNulls(await sealedRunRows(db).where('run_id', '=', runId).executeTakeFirstOrThrow())
}

function sealedRunRows(db: Kysely<Database>) {
  return db.selectFrom('identifai.sync_runs').select(sealedColumns(SYNC_RUNS, UNSEALED_RUN_COLUMNS))
}

/**
 * The columns of a sealed row, times as UTC text with six digits. A later version never removes a column. An added column is
 * null, and not a default, in rows that were sealed before.
 */
function sealedColumns(table: Table, unsealed: readonly string[] = []) {
  return columnsOf(table)
    .filter((name) => !unsealed.includes(name))
    .map((name) => {
      const column = sql.ref(name)
      return (isTime(table, name) ? utcText(column) : column).as(name)
    })
}

/** Leaves out null members, so that a version that adds a column seals old rows as they were. */
function withoutNulls(row: object): JsonObject {
  const present: Record<string, Json> = {}
  // Object.entries takes several times as long, and there may be millions of rows.
  for (const name in row) {
    const value = (row as JsonObject)[name]
    if (value !== null && value !== undefined) present[name] = value
  }
  return present
}

function isTime({ columns }: Table, name: string): boolean {
  const column = columns[name]
  return column !== undefined && typeOf(column) === 'timestamptz'
}
