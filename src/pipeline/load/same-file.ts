import { type Kysely, sql } from 'kysely'
import { isFinished } from '../../media/causes-of-change.ts'
import type { ContentRow } from '../../media/endpoint.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { FORCE_CAUSES } from '../../platform/postgres/tables/history.ts'
import { PRIORITY } from '../queue/priority.ts'
import type { Change } from './find-changes.ts'

/**
 * Finds finished identifiers of the same files whose forced label differs from that of a changed identifier. They have to be
 * requested again, because one override changes the forced label of all submissions of a file.
 *
 * After a change of the forced label all of them are found. A first finished record may only differ, so one of each label is
 * found: if its own forced label has changed, the others follow it.
 */
export async function findSameFile(db: Kysely<Database>, changes: readonly Change[]): Promise<number[]> {
  const sources = changes.filter(mayConcernSameFile)
  if (sources.length === 0) return []
  await lockFiles(
    db,
    sources.map(({ outcome }) => outcome.rows.classification),
  )
  // Raw SQL, because Kysely has no unnest over several arrays.
  const { rows } = await sql<{ id: number }>`
    with found as materialized (
      select c.classification_id, c.media, c.file_hash, c.force_classification, source.is_change
      from unnest(
        ${sources.map(({ outcome }) => outcome.rows.classification.media)}::text[],
        ${sources.map(({ outcome }) => outcome.rows.classification.file_hash)}::text[],
        ${sources.map(({ outcome }) => outcome.rows.classification.force_classification)}::text[],
        ${sources.map(changesForce)}::boolean[]
      ) as source (media, file_hash, force_classification, is_change)
      join identifai.classifications as c on c.media = source.media and c.file_hash = source.file_hash
        and c.force_classification is distinct from source.force_classification
      where c.classification_id <> all(${sources.map(({ outcome }) => outcome.claim.id)}::bigint[])
    )
    select distinct id from (
      select i.id, found.is_change, row_number() over (
        partition by found.media, found.file_hash, found.force_classification, found.is_change
        order by (i.refresh_requested_at > i.last_requested_at) is true desc, i.last_confirmed_at, i.id) as position
      from found
      join identifai.identifiers as i on i.id = found.classification_id and i.state in ('done', 'errored')
    ) as ranked
    where is_change or position = 1`.execute(db)
  return rows.map((row) => row.id)
}

/**
 * Lets one transaction at a time search the identifiers of a file: of two that change the same file, the second then sees
 * the first. The locks are taken in one order, and before any row is locked, so that no two transactions deadlock.
 */
async function lockFiles(
  db: Kysely<Database>,
  files: readonly Pick<ContentRow, 'media' | 'file_hash'>[],
): Promise<void> {
  const names = [...new Set(files.map(({ media, file_hash }) => `${media} ${file_hash}`))]
  await sql`
    select pg_advisory_xact_lock(key) from (
      select distinct hashtextextended(name, 0) as key from unnest(${names}::text[]) as name order by key
    ) as file`.execute(db)
}

/**
 * Requests a refresh of rows that the caller has locked: they are due now, and a leased one stays due after its response. A
 * higher priority stays, such as that of a requested refresh. An identifier that was retired before it was locked stays as it
 * is.
 */
export async function requestSameFileRefresh(db: Kysely<Database>, ids: readonly number[]): Promise<void> {
  if (ids.length === 0) return
  await db
    .updateTable('identifai.identifiers')
    .set({
      refresh_requested_at: sql<Date>`clock_timestamp()`,
      due_at: sql<Date>`clock_timestamp()`,
      priority: sql<number>`greatest(priority, ${PRIORITY.sameFile})`,
    })
    .where(sql<boolean>`id = any(${ids}::bigint[])`)
    .where('state', 'in', ['done', 'errored'])
    .execute()
}

function mayConcernSameFile(change: Change): boolean {
  const { file_hash, status } = change.outcome.rows.revision
  if (file_hash === null || !isFinished({ status })) return false
  const firstFinished = change.causes.includes('first_seen') || change.causes.includes('status_changed')
  return changesForce(change) || firstFinished
}

/** Returns true for a change of the forced label between two finished records. */
export function changesForce({ causes }: Change): boolean {
  return FORCE_CAUSES.some((cause) => causes.includes(cause))
}
