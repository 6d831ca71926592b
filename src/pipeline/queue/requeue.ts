import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Logger } from '../../platform/logger.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { retryDatabase } from '../../platform/postgres/retry-database.ts'
import type { IdentifierState } from '../../platform/postgres/tables/queue.ts'
import { changeListed, countChosen, type ListedChange } from './change-listed.ts'
import type { EntryStream } from './input/entry.ts'
import { PRIORITY } from './priority.ts'
import { type Motive, recordAction } from './record-action.ts'
import { CHANGE_TIME, updateLocked } from './update-locked.ts'

/** Rows in one transaction, because a lock on all rows would block every other run. */
const ROWS_AT_ONCE = 5000

/**
 * Makes identifiers due now, in any medium. Quarantined ones become pending again, without absences. An identifier that is
 * leased at this moment stays due after its response.
 *
 * @param options.retired Tracks retired identifiers again, except redacted ones, and why; absent when they stay retired.
 */
export async function requeue(
  db: Kysely<Database>,
  entries: EntryStream,
  { retired, dryRun = false }: { readonly retired?: Motive | undefined; readonly dryRun?: boolean } = {},
): Promise<ListedChange> {
  return changeListed(db, entries, {
    isEligible: retired ? sql<boolean>`redacted_at is null` : IS_TRACKED,
    change: async (trx, isChosen) => {
      const again = retired ? await lockRetired(trx, isChosen) : 0
      const changed = await makeDue(trx, isChosen)
      if (retired) await recordAction(trx, { kind: 'track_again', identifiers: again, ...retired })
      return changed
    },
    dryRun,
  })
}

/** Locks the chosen identifiers in the order of their ids, and counts the retired ones. */
async function lockRetired(trx: Kysely<Database>, isChosen: RawBuilder<boolean>): Promise<number> {
  const { retired } = await trx
    .selectFrom((eb) =>
      eb
        .selectFrom('identifai.identifiers')
        .select('state')
        .where(isChosen)
        .orderBy('id')
        .forUpdate()
        .as('chosen'),
    )
    .select(sql<number>`count(*) filter (where state = 'retired')`.as('retired'))
    .executeTakeFirstOrThrow()
  return retired
}

/** Makes all identifiers of a state due now, as `requeue` does. Returns their number. */
export async function requeueState(
  db: Kysely<Database>,
  state: Extract<IdentifierState, 'quarantined' | 'missing'>,
  { dryRun = false }: { readonly dryRun?: boolean } = {},
): Promise<number> {
  const isChosen = sql<boolean>`state = ${state}`
  return dryRun ? countChosen(db, isChosen) : makeDue(db, isChosen)
}

const IS_TRACKED = sql<boolean>`state <> 'retired'`

async function makeDue(db: Kysely<Database>, isChosen: RawBuilder<boolean>): Promise<number> {
  const { numUpdatedRows } = await updateLocked(db, (identifiers) => identifiers.where(isChosen))
    .set({
      state: sql<IdentifierState>`case when i.state in ('quarantined', 'retired') then 'pending' else i.state end`,
      absences: sql<number>`case when i.state in ('quarantined', 'retired') then 0 else i.absences end`,
      retired_at: null,
      retired_reason: null,
      due_at: sql<Date>`clock_timestamp()`,
      refresh_requested_at: sql<Date>`clock_timestamp()`,
      priority: PRIORITY.refreshRequested,
      withheld_at: null,
      changed_at: sql<Date>`case when i.state in ('quarantined', 'retired') then ${CHANGE_TIME} else i.changed_at end`,
    })
    .executeTakeFirstOrThrow()
  return Number(numUpdatedRows)
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
