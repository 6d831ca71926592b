import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Logger } from '../../platform/logger.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { retryDatabase } from '../../platform/postgres/retry-database.ts'
import { changeListed, type ListedChange } from './change-listed.ts'
import type { EntryStream } from './input/entry.ts'
import { recordAction } from './record-action.ts'
import { updateLocked } from './update-locked.ts'

/**
 * Ends the tracking of identifiers, in any medium; their rows, contents and history stay. A lease ends with it, so that a
 * pending response does not bring an identifier back. An identifier that was retired before keeps its reason.
 */
export async function retire(
  db: Kysely<Database>,
  entries: EntryStream,
  {
    reason,
    author = null,
    dryRun = false,
  }: { readonly reason: string; readonly author?: string | null; readonly dryRun?: boolean },
): Promise<ListedChange> {
  return changeListed(db, entries, {
    isEligible: sql<boolean>`state <> 'retired'`,
    dryRun,
    change: async (trx, isChosen) => {
      const { numUpdatedRows } = await updateLocked(trx, (identifiers) => identifiers.where(isChosen))
        .set(retiredFor(reason))
        .executeTakeFirstOrThrow()
      const identifiers = Number(numUpdatedRows)
      await recordAction(trx, { kind: 'retire', identifiers, author, reason })
      return identifiers
    },
  })
}

/** Identifiers in one transaction, because a lock on all rows would block every other run. */
const ROWS_AT_ONCE = 5000

/**
 * Retires the identifiers that had a result and disappeared from the API at least this number of days ago. The vendor has
 * deleted their results, so that they would stay missing. Returns their number.
 */
export async function retireMissing(
  db: Kysely<Database>,
  { days, logger }: { readonly days: number; readonly logger: Logger },
): Promise<number> {
  let retired = 0
  for (let count = ROWS_AT_ONCE; count === ROWS_AT_ONCE; retired += count) {
    count = await retryDatabase(() => retireSomeMissing(db, days), logger)
  }
  return retired
}

async function retireSomeMissing(db: Kysely<Database>, days: number): Promise<number> {
  const reason = `missing for ${days} days`
  return db.transaction().execute(async (trx) => {
    const { numUpdatedRows } = await updateLocked(trx, (missing) =>
      missing.where('state', '=', 'missing').where(hasBeenGoneFor(days)).limit(ROWS_AT_ONCE),
    )
      .set(retiredFor(reason))
      .executeTakeFirstOrThrow()
    const identifiers = Number(numUpdatedRows)
    await recordAction(trx, { kind: 'retire', identifiers, author: null, reason })
    return identifiers
  })
}

/** The latest revision of an identifier that disappeared says when that was observed. */
function hasBeenGoneFor(days: number): RawBuilder<boolean> {
  return sql`(
    select 'disappeared' = any(r.causes) and r.observed_at <= now() - make_interval(days => ${days})
    from identifai.classification_revisions as r where r.classification_id = identifai.identifiers.id
    order by r.revision_no desc limit 1)`
}

function retiredFor(reason: string) {
  return {
    state: 'retired',
    retired_at: sql<Date>`now()`,
    retired_reason: reason,
    due_at: null,
    lease_until: null,
    leased_by: null,
  } as const
}
