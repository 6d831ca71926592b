import { type Kysely, sql } from 'kysely'
import type { Logger } from '../../platform/logger.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { retryDatabase } from '../../platform/postgres/retry-database.ts'
import { changeListed, type ListedChange } from './change-listed.ts'
import type { EntryStream } from './input/entry.ts'
import { recordAction } from './record-action.ts'
import { CHANGE_TIME, updateLocked } from './update-locked.ts'

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
  for (let page = await readMissing(db, Number.MIN_SAFE_INTEGER); page.length > 0; ) {
    const ids = page
    retired += await retryDatabase(() => retireGone(db, ids, days), logger)
    page = await readMissing(db, ids.at(-1) as number)
  }
  return retired
}

/** The next missing identifiers after an id, by id. */
async function readMissing(db: Kysely<Database>, after: number): Promise<number[]> {
  const rows = await db
    .selectFrom('identifai.identifiers')
    .select('id')
    .where('state', '=', 'missing')
    .where('id', '>', after)
    .orderBy('id')
    .limit(ROWS_AT_ONCE)
    .execute()
  return rows.map(({ id }) => id)
}

/** Retires those of these identifiers that are still missing, and that disappeared at least this number of days ago. */
async function retireGone(db: Kysely<Database>, ids: readonly number[], days: number): Promise<number> {
  const reason = `missing for ${days} days`
  return db.transaction().execute(async (trx) => {
    const gone = await readGone(trx, ids, days)
    if (gone.length === 0) return 0
    const { numUpdatedRows } = await updateLocked(trx, (identifiers) =>
      identifiers.where('state', '=', 'missing').where(sql<boolean>`id = any(${gone}::bigint[])`),
    )
      .set(retiredFor(reason))
      .executeTakeFirstOrThrow()
    const identifiers = Number(numUpdatedRows)
    await recordAction(trx, { kind: 'retire', identifiers, author: null, reason })
    return identifiers
  })
}

/** The latest revision of an identifier that disappeared says when that was observed. */
async function readGone(db: Kysely<Database>, ids: readonly number[], days: number): Promise<number[]> {
  const latest = await db
    .selectFrom('identifai.classification_revisions')
    .distinctOn('classification_id')
    .select('classification_id')
    .select(
      sql<boolean>`'disappeared' = any(causes) and observed_at <= now() - make_interval(days => ${days})`.as(
        'is_gone',
      ),
    )
    .where(sql<boolean>`classification_id = any(${ids}::bigint[])`)
    .orderBy('classification_id')
    .orderBy('revision_no', 'desc')
    .execute()
  return latest.filter(({ is_gone }) => is_gone).map(({ classification_id }) => classification_id)
}

function retiredFor(reason: string) {
  return {
    state: 'retired',
    retired_at: sql<Date>`now()`,
    retired_reason: reason,
    due_at: null,
    lease_until: null,
    leased_by: null,
    changed_at: CHANGE_TIME,
  } as const
}
