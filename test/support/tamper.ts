import { type Kysely, sql, type Transaction } from 'kysely'
import type { Database } from '../../src/platform/postgres/database.ts'

/**
 * Runs statements as a superuser without triggers and foreign keys could, lets a test read the result, and rolls back. The
 * mode of the session ends with the statements, so that it does not hide a disabled trigger.
 */
export async function afterTampering<T>(
  db: Kysely<Database>,
  statements: readonly string[],
  read: (trx: Transaction<Database>) => Promise<T>,
): Promise<T> {
  const undone = new Error('undone')
  const result = Promise.withResolvers<T>()
  await db
    .transaction()
    .execute(async (trx) => {
      await sql`set local session_replication_role = replica`.execute(trx)
      for (const statement of statements) await sql.raw(statement).execute(trx)
      await sql`set local session_replication_role = origin`.execute(trx)
      result.resolve(await read(trx))
      throw undone
    })
    .catch((error: unknown) => {
      if (error !== undone) result.reject(error)
    })
  return result.promise
}
