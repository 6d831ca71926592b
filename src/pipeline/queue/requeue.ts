import { type Kysely, sql } from 'kysely'
import type { Logger } from '../../platform/logger.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { retryDatabase } from '../../platform/postgres/retry-database.ts'
import type { IdentifierState } from '../../platform/postgres/tables/queue.ts'
import { PRIORITY } from './priority.ts'
import { updateLocked } from './update-locked.ts'

/** Rows in one transaction, because a lock on all rows would block every other run. */
const ROWS_AT_ONCE = 5000

/** Selects rows by identifier, in any medium, or all rows of one state. */
export type Selection =
  | { readonly identifiers: readonly string[] }
  | { readonly state: Extract<IdentifierState, 'quarantined' | 'missing'> }

/**
 * Makes identifiers due now. Quarantined ones become pending again, without absences. An identifier that is leased at this
 * moment stays due after its response. Retired ones stay retired. Returns the identifiers that are due now.
 */
export async function requeue(db: Kysely<Database>, selection: Selection): Promise<string[]> {
  const rows = await updateLocked(db, (identifiers) =>
    identifiers
      .where('state', '<>', 'retired')
      .where((eb) =>
        'state' in selection
          ? eb('state', '=', selection.state)
          : sql<boolean>`identifier = any(${selection.identifiers}::text[])`,
      ),
  )
    .set({
      state: sql<IdentifierState>`case when i.state = 'quarantined' then 'pending' else i.state end`,
      absences: sql<number>`case when i.state = 'quarantined' then 0 else i.absences end`,
      due_at: sql<Date>`clock_timestamp()`,
      refresh_requested_at: sql<Date>`clock_timestamp()`,
      priority: PRIORITY.refreshRequested,
      withheld_at: null,
    })
    .returning('i.identifier')
    .execute()
  return rows.map((row) => row.identifier)
}

/** Makes every finished identifier due, the one confirmed longest ago first. Stops between two transactions on the signal. */
export async function makeFinishedDue(
  db: Kysely<Database>,
  { logger, signal }: { readonly logger: Logger; readonly signal: AbortSignal },
): Promise<void> {
  for (let after = 0; !signal.aborted; ) {
    const ids = await retryDatabase(() => makeNextDue(db, after), logger)
    if (ids.length === 0) return
    after = ids.reduce((greatest, id) => Math.max(greatest, id), after)
  }
}

/** Returns the ids of the rows made due. Skips locked rows, because their outcomes are being written right now. */
async function makeNextDue(db: Kysely<Database>, after: number): Promise<number[]> {
  const rows = await updateLocked(db, (identifiers) =>
    identifiers
      .where('state', 'in', ['done', 'errored'])
      .where('id', '>', after)
      .limit(ROWS_AT_ONCE)
      .skipLocked(),
  )
    .set({ due_at: sql<Date>`coalesce(i.last_confirmed_at, now())` })
    .returning('i.id')
    .execute()
  return rows.map(({ id }) => id)
}
