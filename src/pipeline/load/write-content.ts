import { sql, type Transaction } from 'kysely'
import type { ContentRows, Endpoint } from '../../media/endpoint.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { columnsOf } from '../../platform/postgres/table.ts'
import { CLASSIFICATIONS, type ClassificationRow } from '../../platform/postgres/tables/classifications.ts'
import { type CopyTransaction, appendRows } from './copy.ts'
import type { Change } from './find-changes.ts'
import type { Observation, Returned } from './outcome.ts'

/** All rows of one classification in the data tables. */
export interface Content {
  readonly row: ClassificationRow
  readonly children: ContentRows['children']
}

/** Writes the changed contents into the data tables: classification rows in place, their child rows replaced. */
export async function writeContent(
  transaction: CopyTransaction,
  endpoint: Endpoint,
  changes: readonly Change[],
  { runId, receivedAt }: Observation,
): Promise<void> {
  const toContent = ({ outcome, revisionNo }: Change): Content => ({
    row: { ...outcome.rows.classification, revision_no: revisionNo, observed_at: receivedAt, run_id: runId },
    children: outcome.rows.children,
  })
  const written = changes.filter((change) => !change.keepsRows)
  await replaceContent(transaction, endpoint, written.filter((change) => change.replacesRows).map(toContent))
  await addContent(transaction, endpoint, written.filter((change) => !change.replacesRows).map(toContent))
}

/** Writes contents over the existing rows of their classifications. */
export async function replaceContent(
  transaction: CopyTransaction,
  endpoint: Endpoint,
  contents: readonly Content[],
): Promise<void> {
  if (contents.length === 0) return
  const { trx } = transaction
  const ids = contents.map(({ row }) => row.classification_id)
  // Children first, so that no cascade has rows to delete.
  for (const { name } of endpoint.tables.toReversed()) {
    await sql`delete from identifai.${sql.ref(name)} where classification_id = any(${ids}::bigint[])`.execute(
      trx,
    )
  }
  await updateClassifications(
    trx,
    contents.map(({ row }) => row),
  )
  await copyChildren(transaction, endpoint, contents)
}

async function addContent(
  transaction: CopyTransaction,
  endpoint: Endpoint,
  contents: readonly Content[],
): Promise<void> {
  await appendRows(
    transaction,
    CLASSIFICATIONS,
    contents.map(({ row }) => row),
  )
  await copyChildren(transaction, endpoint, contents)
}

async function copyChildren(
  transaction: CopyTransaction,
  endpoint: Endpoint,
  contents: readonly Content[],
): Promise<void> {
  for (const table of endpoint.tables) {
    const rows = contents.flatMap(({ children }) => children[table.name] ?? [])
    await appendRows(transaction, table, rows)
  }
}

async function updateClassifications(
  trx: Transaction<Database>,
  rows: readonly ClassificationRow[],
): Promise<void> {
  const [key, ...others] = columnsOf(CLASSIFICATIONS)
  await trx
    .insertInto('identifai.classifications')
    .values(rows)
    .onConflict((conflict) =>
      conflict
        .column(key as 'classification_id')
        .doUpdateSet((eb) =>
          Object.fromEntries(others.map((column) => [column, eb.ref(`excluded.${column}`)])),
        ),
    )
    .execute()
}

/**
 * Keeps the links of unchanged contents current: a link is not content, so a new one makes no revision. Writes only rows
 * whose link differs, and not rows that keep a finished content while an analysis runs again. Returns their ids.
 */
export async function updateResultUrls(
  trx: Transaction<Database>,
  unchanged: readonly Returned[],
): Promise<number[]> {
  if (unchanged.length === 0) return []
  // Raw SQL, because Kysely has no unnest over several arrays.
  const { rows: written } = await sql<{ id: number }>`
    update identifai.classifications as c set result_url = link.result_url
    from unnest(
      ${unchanged.map(({ claim }) => claim.id)}::bigint[],
      ${unchanged.map(({ rows }) => rows.classification.result_url)}::text[]
    ) as link (id, result_url)
    where c.classification_id = link.id and c.result_url is distinct from link.result_url
      and c.revision_no = (
        select max(r.revision_no) from identifai.classification_revisions as r
        where r.classification_id = c.classification_id)
    returning c.classification_id as id`.execute(trx)
  return written.map(({ id }) => id)
}
