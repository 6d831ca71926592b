import { sql, type Transaction } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import type { Observation, Outcome } from './outcome.ts'

/**
 * Writes the rows of the identifiers after these outcomes and ends their leases. An identifier whose refresh was requested
 * after its request had left stays due, because the response may be older than the reason for the refresh.
 *
 * The rows are locked by the caller.
 *
 * @param changedIds Identifiers with other rows in the reporting views than before. A change of the state is noticed here.
 */
export async function updateIdentifiers(
  trx: Transaction<Database>,
  outcomes: readonly Outcome[],
  { changedIds, ...times }: Observation & { readonly changedIds: ReadonlySet<number> },
): Promise<void> {
  const column = <T>(of: (outcome: Outcome) => T) => outcomes.map(of)
  // Raw SQL, because Kysely has no unnest over several arrays.
  await sql`
    update identifai.identifiers as i set
      state = o.state,
      priority = case when i.refresh_requested_at > ${times.requestedAt}::timestamptz then i.priority else o.priority end,
      due_at = case when i.refresh_requested_at > ${times.requestedAt}::timestamptz then i.due_at
                    else ${times.requestedAt}::timestamptz + make_interval(secs => o.due_after_seconds) end,
      attempts = 0,
      request_limit = o.request_limit,
      withheld_at = null,
      absences = o.absences,
      last_error = o.last_error,
      record_digest = decode(o.record_digest, 'hex'),
      last_requested_at = ${times.requestedAt}::timestamptz,
      last_confirmed_at = case when o.confirmed then ${times.requestedAt}::timestamptz else i.last_confirmed_at end,
      finished_at = case when o.state in ('done', 'errored')
                        then coalesce(i.finished_at, ${times.receivedAt}::timestamptz) else i.finished_at end,
      lease_until = null,
      leased_by = null,
      changed_at = case when o.is_changed or i.state <> o.state then (select identifai.next_change())
                        else i.changed_at end
    from unnest(
      ${column(({ claim }) => claim.id)}::bigint[],
      ${column(({ update }) => update.state)}::text[],
      ${column(({ update }) => update.priority)}::smallint[],
      ${column(({ update }) => update.dueAfterSeconds)}::double precision[],
      ${column(({ update }) => update.absences)}::integer[],
      ${column(({ update }) => update.lastError)}::text[],
      ${column(({ update }) => update.recordDigest)}::text[],
      ${column(({ update }) => update.confirmed)}::boolean[],
      ${column(({ update }) => update.requestLimit)}::smallint[],
      ${column(({ claim }) => changedIds.has(claim.id))}::boolean[]
    ) as o (
      id, state, priority, due_after_seconds, absences, last_error, record_digest, confirmed, request_limit, is_changed
    )
    where i.id = o.id`.execute(trx)
}

const HASH_HINT =
  'It equals the hash of a file that was submitted: the hash may have been enqueued instead of the identifier.'

/**
 * Adds a hint to `last_error` of missing identifiers when they equal the hash of a known file. The two have the same form, so
 * the hash may have been enqueued in place of the identifier.
 */
export async function hintAtFileHashes(
  trx: Transaction<Database>,
  outcomes: readonly Outcome[],
  media: string,
): Promise<void> {
  const unknown = outcomes.filter(({ update }) => update.state === 'missing').map(({ claim }) => claim)
  if (unknown.length === 0) return
  const files = await trx
    .selectFrom('identifai.classifications')
    .select('file_hash')
    .distinct()
    .where('media', '=', media)
    .where(sql<boolean>`file_hash = any(${unknown.map(({ identifier }) => identifier)}::text[])`)
    .execute()
  const hashes = new Set(files.map(({ file_hash }) => file_hash))
  const hinted = unknown.filter(({ identifier }) => hashes.has(identifier)).map(({ id }) => id)
  await trx
    .updateTable('identifai.identifiers')
    .set({ last_error: sql<string>`concat_ws(' ', last_error, ${HASH_HINT}::text)` })
    .where(sql<boolean>`id = any(${hinted}::bigint[])`)
    .execute()
}
