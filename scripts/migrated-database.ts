import type { Kysely } from 'kysely'
import { connect } from '../src/platform/postgres/connect.ts'
import type { Database } from '../src/platform/postgres/database.ts'
import { migrateUp } from '../src/platform/postgres/migrate.ts'
import { startEmbeddedPostgres } from '../src/devkit/embedded-postgres/start-embedded-postgres.ts'

/** Passes a freshly migrated database to `make` and returns the result. The server runs only for this call. */
export async function withMigratedDatabase<T>(
  make: (db: Kysely<Database>, url: string) => Promise<T>,
): Promise<T> {
  await using postgres = await startEmbeddedPostgres()
  const { db } = connect({ connectionString: postgres.url(), maxConnections: 1 })
  try {
    await migrateUp(db)
    return await make(db, postgres.url())
  } finally {
    await db.destroy()
  }
}
