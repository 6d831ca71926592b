import { type Kysely, sql } from 'kysely'
import type { Database } from '../../src/platform/postgres/database.ts'
import type { ContentRows } from '../../src/media/row-set.ts'

/**
 * Reads the rows of every classification, by identifier, with plain SELECT statements ordered by key. jsonb is read as
 * text, as in the row types.
 */
export async function readContentRows(db: Kysely<Database>): Promise<Map<string, ContentRows>> {
  const { rows: classifications } = await sql<ContentRows['classification']>`
    select classification_id, media, identifier, file_hash, api_version, status, errors, name, ref_id, result_url,
      force_classification, clips_path, extra::text as extra, clip_count, judged_clip_count, artificial_clip_count,
      model_count
    from identifai.classifications`.execute(db)
  const clips = await children<ContentRows['clips'][number]>(db, 'clips', 'clip_no')
  const verdicts = await children<ContentRows['verdicts'][number]>(db, 'verdicts', 'verdict_no')
  const verdictModels = await children<ContentRows['verdictModels'][number]>(
    db,
    'verdict_models',
    'verdict_no, model_no',
  )
  const modelResults = await children<ContentRows['modelResults'][number]>(
    db,
    'model_results',
    'result_no',
    '*, classification_details::text as classification_details',
  )
  const modelScores = await children<ContentRows['modelScores'][number]>(
    db,
    'model_scores',
    'result_no, score_no',
  )
  return new Map(
    classifications.map((classification) => {
      const id = classification.classification_id
      return [
        classification.identifier,
        {
          classification,
          clips: clips.get(id) ?? [],
          verdicts: verdicts.get(id) ?? [],
          verdictModels: verdictModels.get(id) ?? [],
          modelResults: modelResults.get(id) ?? [],
          modelScores: modelScores.get(id) ?? [],
        },
      ]
    }),
  )
}

async function children<Row extends { classification_id: number }>(
  db: Kysely<Database>,
  table: string,
  key: string,
  columns = '*',
): Promise<Map<number, Row[]>> {
  const { rows } = await sql<Row>`
    select ${sql.raw(columns)} from identifai.${sql.raw(table)} order by classification_id, ${sql.raw(key)}`.execute(
    db,
  )
  return Map.groupBy(rows, (row) => row.classification_id)
}
