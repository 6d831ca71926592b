import { sql, type Transaction } from 'kysely'
import type { DatabaseTime } from '../../platform/database-time.ts'
import type { Database } from '../../platform/postgres/database.ts'
import type { NewClassificationRow } from '../../platform/postgres/tables/classifications.ts'
import { copyBinaryRows, copyRows } from './copy-rows.ts'
import type { Returned, Change } from './find-changes.ts'
import type { ContentRows } from '../../media/row-set.ts'
import type { CopyTransaction } from './with-transaction.ts'

/** By whom and when an answer was received. */
export interface Observation {
  readonly runId: string
  /** When the answer had been received, by the database's clock. */
  readonly receivedAt: DatabaseTime
}

/** All that the data tables hold of one classification. */
export interface Content {
  readonly row: NewClassificationRow
  readonly rows: ContentRows
}

/** Brings the data tables to the changed contents: classification rows in place, their children anew. */
export async function writeContent(
  transaction: CopyTransaction,
  changes: readonly Change[],
  observation: Observation,
): Promise<void> {
  const written = changes.filter((change) => !change.keepsRows)
  const toContent = (change: Change): Content => ({
    row: classificationRow(change, observation),
    rows: change.outcome.rows,
  })
  await replaceContent(transaction, written.filter((change) => change.replacesRows).map(toContent))
  await addContent(transaction, written.filter((change) => !change.replacesRows).map(toContent))
}

/** Writes contents over those that are there. */
export async function replaceContent(
  transaction: CopyTransaction,
  contents: readonly Content[],
): Promise<void> {
  if (contents.length === 0) return
  const { trx, client } = transaction
  await deleteChildren(
    trx,
    contents.map(({ row }) => row.classification_id),
  )
  await updateClassifications(
    trx,
    contents.map(({ row }) => row),
  )
  await copyChildren(
    client,
    contents.map(({ rows }) => rows),
  )
}

async function addContent({ client }: CopyTransaction, contents: readonly Content[]): Promise<void> {
  const rows = contents.map(({ row }) => row)
  await copyRows(client, 'identifai.classifications', CLASSIFICATION_COLUMNS, rows)
  await copyChildren(
    client,
    contents.map((content) => content.rows),
  )
}

function classificationRow(change: Change, { runId, receivedAt }: Observation): NewClassificationRow {
  return {
    ...change.outcome.rows.classification,
    revision_no: change.revisionNo,
    observed_at: receivedAt,
    run_id: runId,
  }
}

const CLASSIFICATION_COLUMNS = [
  'classification_id',
  'media',
  'identifier',
  'file_hash',
  'api_version',
  'status',
  'errors',
  'name',
  'ref_id',
  'result_url',
  'force_classification',
  'revision_no',
  'observed_at',
  'run_id',
  'clips_path',
  'extra',
  'clip_count',
  'judged_clip_count',
  'artificial_clip_count',
  'model_count',
] as const

async function updateClassifications(
  trx: Transaction<Database>,
  rows: readonly NewClassificationRow[],
): Promise<void> {
  await trx
    .insertInto('identifai.classifications')
    .values(rows)
    .onConflict((conflict) =>
      conflict
        .column('classification_id')
        .doUpdateSet((eb) =>
          Object.fromEntries(
            CLASSIFICATION_COLUMNS.slice(1).map((column) => [column, eb.ref(`excluded.${column}`)]),
          ),
        ),
    )
    .execute()
}

/**
 * Keeps the links of unchanged contents up to date: a link is no content, so a new one makes no revision.
 * A row whose link is the same is not written, nor one that keeps a finished content while an analysis runs again.
 */
export async function updateResultUrls(
  trx: Transaction<Database>,
  unchanged: readonly Returned[],
): Promise<void> {
  if (unchanged.length === 0) return
  // Kysely has no word for unnest over several arrays.
  await sql`
    update identifai.classifications as c set result_url = link.result_url
    from unnest(
      ${unchanged.map(({ claim }) => claim.id)}::bigint[],
      ${unchanged.map(({ rows }) => rows.revision.result_url)}::text[]
    ) as link (id, result_url)
    where c.classification_id = link.id and c.result_url is distinct from link.result_url
      and c.revision_no = (
        select max(r.revision_no) from identifai.classification_revisions as r
        where r.classification_id = c.classification_id)`.execute(trx)
}

/** Leaves first, so that no cascade has work to do. */
const CHILDREN_LEAVES_FIRST = [
  'identifai.model_scores',
  'identifai.model_results',
  'identifai.verdict_models',
  'identifai.verdicts',
  'identifai.clips',
] as const

async function deleteChildren(trx: Transaction<Database>, ids: readonly number[]): Promise<void> {
  for (const table of CHILDREN_LEAVES_FIRST) {
    await trx.deleteFrom(table).where(sql<boolean>`classification_id = any(${ids}::bigint[])`).execute()
  }
}

async function copyChildren(
  client: CopyTransaction['client'],
  rowSets: readonly ContentRows[],
): Promise<void> {
  await copyBinaryRows(
    client,
    'clips',
    rowSets.flatMap((rows) => rows.clips),
  )
  await copyBinaryRows(
    client,
    'verdicts',
    rowSets.flatMap((rows) => rows.verdicts),
  )
  await copyBinaryRows(
    client,
    'verdict_models',
    rowSets.flatMap((rows) => rows.verdictModels),
  )
  await copyBinaryRows(
    client,
    'model_results',
    rowSets.flatMap((rows) => rows.modelResults),
  )
  await copyBinaryRows(
    client,
    'model_scores',
    rowSets.flatMap((rows) => rows.modelScores),
  )
}
