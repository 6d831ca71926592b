import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import { isFinished } from '../../media/causes-of-change.ts'
import type { ContentRow } from '../../media/row-set.ts'
import { PRIORITY } from '../queue/priority.ts'
import type { Change } from './find-changes.ts'

/**
 * Finished identifiers that share a file hash with a changed one but not its force: one override by hash flips them
 * all, so theirs is out of date. Looked for when a force changed, and at a first finished answer.
 */
export async function findSameFile(db: Kysely<Database>, changes: readonly Change[]): Promise<number[]> {
  const sources = changes.filter(mayConcernSameFile).map(({ outcome }) => outcome)
  if (sources.length === 0) return []
  await lockFiles(
    db,
    sources.map(({ rows }) => rows.classification),
  )
  // Kysely has no word for unnest over several arrays.
  const { rows } = await sql<{ id: number }>`
    select distinct c.classification_id as id
    from unnest(
      ${sources.map((source) => source.rows.classification.media)}::text[],
      ${sources.map((source) => source.rows.classification.file_hash)}::text[],
      ${sources.map((source) => source.rows.classification.force_classification)}::text[]
    ) as source (media, file_hash, force_classification)
    join identifai.classifications as c on c.media = source.media and c.file_hash = source.file_hash
      and c.force_classification is distinct from source.force_classification
    join identifai.identifiers as i on i.id = c.classification_id and i.state in ('done', 'errored')
    where c.classification_id <> all(${sources.map(({ claim }) => claim.id)}::bigint[])`.execute(db)
  return rows.map((row) => row.id)
}

/**
 * Lets one transaction at a time look for the siblings of a file: of two that change siblings at once, the second then
 * sees the first. Taken in one order, and before any row is locked, so that nobody waits in a circle.
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
 * Makes rows, locked by the caller, due at once; one that is leased stays due after it is finished. One that was retired
 * before it could be locked stays as it is.
 */
export async function requestSameFileRefresh(db: Kysely<Database>, ids: readonly number[]): Promise<void> {
  if (ids.length === 0) return
  await db
    .updateTable('identifai.identifiers')
    .set({
      refresh_requested_at: sql<Date>`clock_timestamp()`,
      due_at: sql<Date>`clock_timestamp()`,
      priority: PRIORITY.refreshRequested,
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

/** Whether force differs between two finished answers. */
export function changesForce({ causes }: Change): boolean {
  return causes.some((cause) => FORCE_CHANGES.includes(cause))
}

const FORCE_CHANGES: readonly string[] = ['forced', 'force_changed', 'unforced']
