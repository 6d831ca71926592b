import { sql } from 'kysely'
import { connect } from '../../src/platform/postgres/connect.ts'

/** Runs one statement outside a transaction, as CREATE and DROP DATABASE require. */
export async function onServer(connectionString: string, statement: string): Promise<void> {
  const { db } = connect({ connectionString, maxConnections: 1 })
  await sql.raw(statement).execute(db)
  await db.destroy()
}
