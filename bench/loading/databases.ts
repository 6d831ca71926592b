import { type Kysely, sql } from 'kysely'
import { type Connection, connect } from '../../src/db/connect.ts'
import type { Database } from '../../src/db/database.ts'
import { migrateUp } from '../../src/db/migrate.ts'
import type { EmbeddedPostgres } from '../../src/embedded-postgres/start-embedded-postgres.ts'

/** A database of the benchmark, with all tables; it is dropped when it is disposed of. */
export interface BenchDatabase extends Connection, AsyncDisposable {
  readonly url: string
}

/** A migrated database in which so many identifiers are due. */
export async function createBenchDatabase(
  postgres: EmbeddedPostgres,
  identifiers: number,
): Promise<BenchDatabase> {
  const name = `bench_${++created}`
  await asAdmin(postgres, (db) => sql`create database ${sql.id(name)}`.execute(db))
  const url = postgres.url(name)
  const connection = connect({ connectionString: url, maxConnections: 8 })
  await migrateUp(connection.db)
  await sql`
    insert into identifai.identifiers (identifier)
    select encode(sha256(n::text::bytea), 'hex') from generate_series(1, ${identifiers}::integer) as n`.execute(
    connection.db,
  )
  await sql`vacuum analyze identifai.identifiers`.execute(connection.db)
  // What was written so far is not what is measured.
  await sql`checkpoint`.execute(connection.db)
  return {
    ...connection,
    url,
    [Symbol.asyncDispose]: async () => {
      await connection.db.destroy()
      await asAdmin(postgres, (db) => sql`drop database ${sql.id(name)} with (force)`.execute(db))
    },
  }
}

let created = 0

async function asAdmin(
  postgres: EmbeddedPostgres,
  work: (db: Kysely<Database>) => Promise<unknown>,
): Promise<void> {
  const { db } = connect({ connectionString: postgres.url(), maxConnections: 1 })
  try {
    await work(db)
  } finally {
    await db.destroy()
  }
}
