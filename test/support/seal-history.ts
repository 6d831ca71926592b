import { type Kysely, sql } from 'kysely'
import type { Database } from '../../src/platform/postgres/database.ts'
import type { NewRevisionRow } from '../../src/platform/postgres/tables/classification-revisions.ts'
import type { SyncRunRow } from '../../src/platform/postgres/tables/sync-runs.ts'
import { closeRun, newRun, openRun } from '../../src/pipeline/run/run-rows.ts'

/** The columns of a revision that a test sets. All others have made-up values. */
export type DescribedRevision = Pick<
  NewRevisionRow,
  'classification_id' | 'revision_no' | 'observed_at' | 'causes'
> &
  Partial<NewRevisionRow>

/** Writes revisions into a run and ends it, so that the product seals the run. */
export async function sealHistory(
  db: Kysely<Database>,
  revisions: readonly DescribedRevision[],
): Promise<SyncRunRow> {
  const run = newRun('manual')
  await openRun(db, run)
  await writeRevisions(db, run.runId, revisions)
  return (await closeRun(db, run.runId, { status: 'succeeded', error: null })) as SyncRunRow
}

/** Writes revisions into a run that stays open. */
export async function writeRevisions(
  db: Kysely<Database>,
  runId: string,
  revisions: readonly DescribedRevision[],
): Promise<void> {
  if (revisions.length === 0) return
  await db
    .insertInto('identifai.classification_revisions')
    .values(
      revisions.map((described) => ({
        run_id: runId,
        previous_confirmed_at: null,
        identifier: `id-${described.classification_id}`,
        source: null,
        submitted_at: null,
        name: null,
        ref_id: null,
        result_url: null,
        file_hash: `hash-${described.classification_id}`,
        status: 'done' as const,
        api_version: null,
        machine_classification: 'artificial',
        machine_confidence: 0.97,
        machine_heuristic: 'Majority',
        force_classification: null,
        content_digest: '0'.repeat(64),
        digest_version: 1,
        ...described,
      })),
    )
    .execute()
}

/** Tracks identifiers that were finished and confirmed at the same time. */
export async function trackFinished(
  db: Kysely<Database>,
  count: number,
  times: { readonly enqueuedAt: string; readonly confirmedAt: string },
): Promise<void> {
  await sql`
    insert into identifai.identifiers (identifier, state, enqueued_at, finished_at, last_requested_at, last_confirmed_at)
    select 'id-' || n, 'done', ${times.enqueuedAt}::timestamptz, t, t, t
    from generate_series(1, ${count}) as n, (select ${times.confirmedAt}::timestamptz as t) as confirmed`.execute(
    db,
  )
}
