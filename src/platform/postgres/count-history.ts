import { type Kysely, sql } from 'kysely'
import type { Database } from './database.ts'

/** How many records history holds, revisions and notes; 0 where its tables do not exist. */
export async function countHistory(db: Kysely<Database>): Promise<number> {
  const counts = await Promise.all(
    ['classification_revisions', 'override_notes'].map(async (table) => {
      const { rows: found } = await sql<{ exists: boolean }>`
        select to_regclass(${`identifai.${table}`}) is not null as exists`.execute(db)
      if (!found[0]?.exists) return 0
      const { rows } = await sql<{ count: number }>`select count(*) from identifai.${sql.ref(table)}`.execute(
        db,
      )
      return rows[0]?.count ?? 0
    }),
  )
  return counts.reduce((sum, count) => sum + count, 0)
}
