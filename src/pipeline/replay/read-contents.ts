import { type Kysely, sql } from 'kysely'
import { utcText } from '../../platform/postgres/clock.ts'
import type { Database } from '../../platform/postgres/database.ts'
import type { NewClassificationRow } from '../../platform/postgres/tables/classifications.ts'
import type { JsonObject } from '../../platform/json.ts'
import type { ContentRows } from '../../media/row-set.ts'

/** What the data tables hold of one classification, and the record that it was made from. */
export interface StoredClassification {
  readonly id: number
  readonly row: NewClassificationRow
  readonly rows: ContentRows
  readonly payload: JsonObject | null
}

/** The next classifications after an id, by id, whose content was first received at `since` or later. */
export async function nextIds(
  db: Kysely<Database>,
  options: {
    readonly media: string
    readonly after: number
    readonly since: string | null
    readonly limit: number
  },
): Promise<number[]> {
  const rows = await db
    .selectFrom('identifai.classifications')
    .select('classification_id')
    .where('media', '=', options.media)
    .where('classification_id', '>', options.after)
    .$if(options.since !== null, (query) =>
      query.where('observed_at', '>=', sql<Date>`${options.since}::timestamptz`),
    )
    .orderBy('classification_id')
    .limit(options.limit)
    .execute()
  return rows.map((row) => row.classification_id)
}

/** Reads these classifications with their children, in order of id; jsonb as its text, as it is written. */
export async function readContents(
  db: Kysely<Database>,
  ids: readonly number[],
): Promise<StoredClassification[]> {
  const classifications = await db
    .selectFrom('identifai.classifications as c')
    .leftJoin('identifai.revision_payloads as p', (join) =>
      join
        .onRef('p.classification_id', '=', 'c.classification_id')
        .onRef('p.revision_no', '=', 'c.revision_no'),
    )
    .selectAll('c')
    .select([
      sql<string | null>`c.extra::text`.as('extra'),
      utcText(sql`c.observed_at`).as('observed_at'),
      'p.payload',
    ])
    .where(sql<boolean>`c.classification_id = any(${ids}::bigint[])`)
    .orderBy('c.classification_id')
    .execute()
  const children = await readChildren(db, ids)
  return classifications.map(({ payload, ...row }) => {
    const { revision_no: _, observed_at: __, run_id: ___, ...classification } = row
    const id = row.classification_id
    return {
      id,
      row,
      rows: {
        classification,
        clips: children.clips.get(id) ?? [],
        verdicts: children.verdicts.get(id) ?? [],
        verdictModels: children.verdictModels.get(id) ?? [],
        modelResults: children.modelResults.get(id) ?? [],
        modelScores: children.modelScores.get(id) ?? [],
      },
      payload: payload as JsonObject | null,
    }
  })
}

async function readChildren(db: Kysely<Database>, ids: readonly number[]) {
  const among = sql<boolean>`classification_id = any(${ids}::bigint[])`
  const clips = await db.selectFrom('identifai.clips').selectAll().where(among).orderBy('clip_no').execute()
  const verdicts = await db
    .selectFrom('identifai.verdicts')
    .selectAll()
    .where(among)
    .orderBy('verdict_no')
    .execute()
  const verdictModels = await db
    .selectFrom('identifai.verdict_models')
    .selectAll()
    .where(among)
    .orderBy('verdict_no')
    .orderBy('model_no')
    .execute()
  const modelResults = await db
    .selectFrom('identifai.model_results')
    .selectAll()
    .select(sql<string | null>`classification_details::text`.as('classification_details'))
    .where(among)
    .orderBy('result_no')
    .execute()
  const modelScores = await db
    .selectFrom('identifai.model_scores')
    .selectAll()
    .where(among)
    .orderBy('result_no')
    .orderBy('score_no')
    .execute()
  return {
    clips: byClassification(clips),
    verdicts: byClassification(verdicts),
    verdictModels: byClassification(verdictModels),
    modelResults: byClassification(modelResults),
    modelScores: byClassification(modelScores),
  }
}

function byClassification<Row extends { readonly classification_id: number }>(rows: readonly Row[]) {
  return Map.groupBy(rows, (row) => row.classification_id)
}
