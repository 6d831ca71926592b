import { databaseCodeOf } from '../platform/postgres/database-error.ts'
import { DatabaseError } from '../platform/errors.ts'

const INSUFFICIENT_PRIVILEGE = '42501'

/** Does the work, and says in place of a bare refusal what a role that may not do it needs. */
export async function explainPrivilege<T>(needs: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (databaseCodeOf(error) !== INSUFFICIENT_PRIVILEGE) throw error
    throw new DatabaseError(`${needs} (${(error as Error).message})`, { cause: error })
  }
}
