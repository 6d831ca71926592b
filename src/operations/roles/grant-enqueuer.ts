import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import { findRole } from './find-role.ts'

/** The columns of the ledger that are the inserter's. */
const CALLERS_COLUMNS = ['media', 'identifier', 'submitted_at', 'source'] as const

/**
 * Lets a role have identifiers tracked and refreshed, and nothing else: it cannot even read what it inserted. Granted
 * again, nothing changes.
 *
 * @throws UsageError when there is no such role.
 */
export async function grantEnqueuer(db: Kysely<Database>, role: string): Promise<void> {
  const enqueuer = await findRole(db, role)
  const columns = sql.join(CALLERS_COLUMNS.map((column) => sql.id(column)))
  await db.transaction().execute(async (trx) => {
    await sql`grant usage on schema identifai to ${enqueuer}`.execute(trx)
    await sql`grant insert (${columns}) on identifai.identifiers to ${enqueuer}`.execute(trx)
    await sql`grant execute on function identifai.request_refresh(text, text) to ${enqueuer}`.execute(trx)
  })
}
