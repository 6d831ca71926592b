import { type Kysely, sql } from 'kysely'
import type { Database } from '../../src/platform/postgres/database.ts'
import type { PersonalValuesRow, RevisionRow } from '../../src/platform/postgres/tables/history.ts'
import type { SyncRunRow } from '../../src/platform/postgres/tables/runs.ts'
import { personalCommitment } from '../../src/pipeline/seal/commitment.ts'
import { closeRun, newRun, openRun } from '../../src/pipeline/run/run-rows.ts'

/** The columns of a revision that a test gives; the rest has fixed values. */
export type DescribedRevision = Pick<
  RevisionRow,
  'classification_id' | 'revision_no' | 'observed_at' | 'causes'
> &
  Partial<RevisionRow & PersonalValuesRow>

/** Writes revisions as one run would, and closes the run, which seals it. */
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
  const described = revisions.map((given) => {
    const { salt = SALT, name = null, ref_id = null, result_url = null, source = null, ...own } = given
    const { content_digest = '0'.repeat(64), digest_version = 1, ...row } = own
    const { classification_id, revision_no } = row
    const values = { name, ref_id, result_url, source }
    return {
      personal: { classification_id, revision_no, salt, ...values, content_digest, digest_version },
      revision: {
        run_id: runId,
        previous_confirmed_at: null,
        media: 'audio',
        identifier: `id-${classification_id}`,
        submitted_at: null,
        file_hash: `hash-${classification_id}`,
        status: 'done' as const,
        api_version: null,
        machine_classification: 'artificial',
        machine_confidence: 0.97,
        machine_heuristic: 'Majority',
        force_classification: null,
        personal_commitment: personalCommitment(salt, values),
        payload_commitment: null,
        ...row,
      },
    }
  })
  await db
    .insertInto('identifai.classification_revisions')
    .values(described.map(({ revision }) => revision))
    .execute()
  await db
    .insertInto('identifai.personal_values')
    .values(described.map(({ personal }) => personal))
    .execute()
}

const SALT = '5a'.repeat(32)

/** Tracks identifiers that were finished, and confirmed, at one time. */
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
