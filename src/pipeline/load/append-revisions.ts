import { type RawBuilder, sql, type Transaction } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import { columnsOf } from '../../platform/postgres/table.ts'
import {
  CLASSIFICATION_REVISIONS,
  REVISION_PAYLOADS,
  type RevisionCause,
  type RevisionRow,
} from '../../platform/postgres/tables/history.ts'
import { type CopyTransaction, copyRows } from './copy.ts'
import type { Change } from './find-changes.ts'
import type { LockedRow } from './lock-rows.ts'
import { readLatestRevisions } from './read-history.ts'
import type { Observation } from './outcome.ts'

/** Appends one revision and its payload for each change. */
export async function appendRevisions(
  { client }: CopyTransaction,
  changes: readonly Change[],
  options: Observation & { readonly locked: ReadonlyMap<number, LockedRow> },
): Promise<void> {
  const revisions = changes.map((change) =>
    revisionRow(change, options.locked.get(change.outcome.claim.id) as LockedRow, options),
  )
  const payloads = changes.map(({ outcome, revisionNo }) => ({
    classification_id: outcome.claim.id,
    revision_no: revisionNo,
    payload: outcome.bytes,
  }))
  await copyRows(client, CLASSIFICATION_REVISIONS, revisions)
  await copyRows(client, REVISION_PAYLOADS, payloads)
}

function revisionRow(change: Change, locked: LockedRow, { runId, receivedAt }: Observation): RevisionRow {
  const { claim, rows, payloadDigest } = change.outcome
  const confirmedAt =
    change.carriedConfirmation === undefined ? locked.lastConfirmedAt : change.carriedConfirmation
  return {
    ...rows.revision,
    classification_id: claim.id,
    revision_no: change.revisionNo,
    observed_at: receivedAt,
    // A clock that was set back must not make an interval that ends before it begins.
    previous_confirmed_at: confirmedAt !== null && confirmedAt > receivedAt ? receivedAt : confirmedAt,
    run_id: runId,
    causes: [...change.causes],
    media: rows.classification.media,
    identifier: claim.identifier,
    source: locked.source,
    submitted_at: locked.submittedAt,
    payload_digest: payloadDigest,
  }
}

/**
 * Appends a `disappeared` revision, without a payload, to each of these, because the API has stopped returning them. It
 * repeats the columns of the revision before. An identifier whose latest revision is a disappearance gets no second one.
 * The rows of the identifiers are locked by the caller.
 */
export async function appendDisappearances(
  trx: Transaction<Database>,
  ids: readonly number[],
  { runId, receivedAt }: Observation,
): Promise<void> {
  if (ids.length === 0) return
  const latest = await readLatestRevisions(trx, ids)
  const present = ids.filter((id) => !latest.get(id)?.disappeared)
  const causes: RevisionCause[] = ['disappeared']
  const own: Readonly<Record<string, RawBuilder<unknown>>> = {
    revision_no: sql<number>`r.revision_no + 1`,
    observed_at: sql<Date>`${receivedAt}::timestamptz`,
    // If it disappeared while an analysis ran again, the bound stays that of the finished content before it.
    previous_confirmed_at: sql<Date>`case when r.status = 'new' and exists (
        select from identifai.classification_revisions as f
        where f.classification_id = r.classification_id and f.status <> 'new')
      then r.previous_confirmed_at else i.last_confirmed_at end`,
    run_id: sql<string>`${runId}::uuid`,
    causes: sql<RevisionCause[]>`${causes}::text[]`,
  }
  const columns = columnsOf(CLASSIFICATION_REVISIONS)
  await trx
    .insertInto('identifai.classification_revisions')
    .columns(columns)
    .expression((eb) =>
      eb
        .selectFrom('identifai.classification_revisions as r')
        .innerJoin('identifai.identifiers as i', 'i.id', 'r.classification_id')
        .distinctOn('r.classification_id')
        .select(columns.map((column) => (own[column] ?? sql.ref(`r.${column}`)).as(column)))
        .where(sql<boolean>`r.classification_id = any(${present}::bigint[])`)
        .orderBy('r.classification_id')
        .orderBy('r.revision_no', 'desc'),
    )
    .execute()
}
