import { sql } from 'kysely'
import { createTestDatabase, type TestDatabase } from './test-database.ts'

/** Creates a database with four tracked identifiers, each named after its state. None of them is due. */
export async function createQueueOfStates(): Promise<TestDatabase> {
  const database = await createTestDatabase()
  await sql`insert into identifai.identifiers (identifier, state, absences, due_at, retired_at, retired_reason) values
    ('done', 'done', 0, now() + interval '1 day', null, null),
    ('missing', 'missing', 5, now() + interval '30 days', null, null),
    ('quarantined', 'quarantined', 2, null, null, null),
    ('retired', 'retired', 0, null, now(), 'before')`.execute(database.db)
  return database
}

/** Reads the rows of all identifiers, by name. `due` is true when they are due now, null when they never are. */
export async function readStates({ db }: TestDatabase) {
  const { rows } = await sql<{ identifier: string; due: boolean | null }>`
    select identifier, state, absences, priority, due_at <= now() as due, retired_reason
    from identifai.identifiers order by identifier`.execute(db)
  return rows
}

/** Reads the actions, the first one first. */
export async function readActions({ db }: Pick<TestDatabase, 'db'>) {
  return db
    .selectFrom('identifai.actions')
    .select(['kind', 'identifiers', 'author', 'reason'])
    .orderBy('action_id')
    .execute()
}
