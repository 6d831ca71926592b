import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import type { Database } from './database.ts'

/** How many revisions history holds; 0 where its table does not exist yet. */
export async function countRevisions(db: Kysely<Database>): Promise<number> {
  const { rows } = await sql<{ exists: boolean }>`
    select to_regclass('identifai.classification_revisions') is not null as exists`.execute(db)
  if (!rows[0]?.exists) return 0
  const { revisions } = await db
    .selectFrom('identifai.classification_revisions')
    .select(({ fn }) => fn.countAll<number>().as('revisions'))
    .executeTakeFirstOrThrow()
  return revisions
}
