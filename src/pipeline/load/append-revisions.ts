import { sql, type Transaction } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import type { NewRevisionRow } from '../../platform/postgres/tables/classification-revisions.ts'
import type { NewRevisionPayloadRow } from '../../platform/postgres/tables/revision-payloads.ts'
import { copyBinaryRows, copyRows } from './copy-rows.ts'
import type { Change } from './find-changes.ts'
import type { LockedRow } from './lock-rows.ts'
import { readLatestRevisions } from './read-history.ts'
import type { CopyTransaction } from './with-transaction.ts'
import type { Observation } from './write-content.ts'

/** Appends one revision and its payload for each change. */
export async function appendRevisions(
  { client }: CopyTransaction,
  changes: readonly Change[],
  options: Observation & { readonly ledger: ReadonlyMap<number, LockedRow> },
): Promise<void> {
  const revisions = changes.map((change) =>
    revisionRow(change, options.ledger.get(change.outcome.claim.id) as LockedRow, options),
  )
  const payloads = changes.map(
    ({ outcome, revisionNo }): NewRevisionPayloadRow => ({
      classification_id: outcome.claim.id,
      revision_no: revisionNo,
      payload: outcome.text,
    }),
  )
  await copyRows(client, 'identifai.classification_revisions', REVISION_COLUMNS, revisions)
  await copyBinaryRows(client, 'revision_payloads', payloads)
}

function revisionRow(change: Change, ledger: LockedRow, { runId, receivedAt }: Observation): NewRevisionRow {
  const { claim, rows } = change.outcome
  const confirmedAt =
    change.carriedConfirmation === undefined ? ledger.lastConfirmedAt : change.carriedConfirmation
  return {
    ...rows.revision,
    classification_id: claim.id,
    revision_no: change.revisionNo,
    observed_at: receivedAt,
    // A clock that was set back must not make an interval that ends before it begins.
    previous_confirmed_at: confirmedAt !== null && confirmedAt > receivedAt ? receivedAt : confirmedAt,
    run_id: runId,
    causes: [...change.causes],
    identifier: claim.identifier,
    source: ledger.source,
    submitted_at: ledger.submittedAt,
  }
}

const REVISION_COLUMNS = [
  'classification_id',
  'revision_no',
  'observed_at',
  'previous_confirmed_at',
  'run_id',
  'causes',
  'identifier',
  'source',
  'submitted_at',
  'name',
  'ref_id',
  'result_url',
  'file_hash',
  'status',
  'api_version',
  'machine_classification',
  'machine_confidence',
  'machine_heuristic',
  'force_classification',
  'content_digest',
  'digest_version',
] as const

/**
 * Appends a `disappeared` revision, without a payload, to each of these: the API has stopped returning them.
 * It repeats the columns of the revision before. One whose disappearance is the last that history knows gets no second.
 * The ledger rows are locked by the caller.
 */
export async function appendDisappearances(
  trx: Transaction<Database>,
  ids: readonly number[],
  { runId, receivedAt }: Observation,
): Promise<void> {
  if (ids.length === 0) return
  const latest = await readLatestRevisions(trx, ids)
  const present = ids.filter((id) => !latest.get(id)?.disappeared)
  const repeated = REVISION_COLUMNS.slice(REVISION_COLUMNS.indexOf('identifier'))
  await trx
    .insertInto('identifai.classification_revisions')
    .columns([...REVISION_COLUMNS])
    .expression((eb) =>
      eb
        .selectFrom('identifai.classification_revisions as r')
        .innerJoin('identifai.identifiers as i', 'i.id', 'r.classification_id')
        .distinctOn('r.classification_id')
        .select([
          'r.classification_id',
          sql<number>`r.revision_no + 1`.as('revision_no'),
          sql<Date>`${receivedAt}::timestamptz`.as('observed_at'),
          // Gone while an analysis ran again: the bound stays that of the finished content before it.
          sql<Date>`case when r.status = 'new' and exists (
              select from identifai.classification_revisions as f
              where f.classification_id = r.classification_id and f.status <> 'new')
            then r.previous_confirmed_at else i.last_confirmed_at end`.as('previous_confirmed_at'),
          sql<string>`${runId}::uuid`.as('run_id'),
          sql<string[]>`array['disappeared']`.as('causes'),
        ])
        .select(repeated.map((column) => `r.${column}` as const))
        .where(sql<boolean>`r.classification_id = any(${present}::bigint[])`)
        .orderBy('r.classification_id')
        .orderBy('r.revision_no', 'desc'),
    )
    .execute()
}
