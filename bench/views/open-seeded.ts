import { type Kysely, sql } from 'kysely'
import { connect } from '../../src/platform/postgres/connect.ts'
import type { Database } from '../../src/platform/postgres/database.ts'
import { migrateUp } from '../../src/platform/postgres/migrate.ts'
import { seedClassifications } from './seed-classifications.ts'

/** A connection to a database with this many classifications, which are created unless it has some. */
export async function openSeeded(
  connectionString: string,
  classifications: number,
): Promise<AsyncDisposable & { readonly db: Kysely<Database> }> {
  const { db, pool } = connect({ connectionString, maxConnections: 1 })
  const { db: other } = connect({ connectionString, maxConnections: 1 })
  await migrateUp(db)
  const { rows } = await sql`select from identifai.classifications limit 1`.execute(db)
  if (rows.length === 0) {
    await seedClassifications([db, other], classifications, (done) =>
      process.stderr.write(`\r${done} of ${classifications} seeded `),
    )
    await pool.query('vacuum analyze')
  }
  await other.destroy()
  return { db, [Symbol.asyncDispose]: () => db.destroy() }
}
