import {
  type DatabaseConnection,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from 'kysely'
import { loadMigrations } from './migrate.ts'

/** The statements of all migrations, in order. None is executed. */
export async function migrationStatements(): Promise<string[]> {
  const statements: string[] = []
  const recorder = createRecorder((statement) => statements.push(statement))
  for (const migration of await loadMigrations()) await migration.up(recorder)
  return statements
}

/** Passes on each statement in place of executing it. */
export function createRecorder(onStatement: (statement: string) => void): Kysely<unknown> {
  return new Kysely({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new RecordingDriver(),
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
    log: ({ query }) => onStatement(query.sql),
  })
}

class RecordingDriver extends DummyDriver {
  override async acquireConnection(): Promise<DatabaseConnection> {
    return Object.assign(await super.acquireConnection(), { executeQuery: viewWithoutOptions })
  }
}

/** The result of every query, because only replaceView reads anything: the options of the view that it replaces. */
async function viewWithoutOptions() {
  return { rows: [{ options: '' }] }
}
