import { randomBytes } from 'node:crypto'
import { type RawBuilder, sql, type Transaction } from 'kysely'
import { DIGEST_VERSION } from '../../media/content-digest.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { columnsOf } from '../../platform/postgres/table.ts'
import {
  CLASSIFICATION_REVISIONS,
  PERSONAL_VALUES,
  type PersonalValuesRow,
  REVISION_PAYLOADS,
  type RevisionCause,
  type RevisionRow,
} from '../../platform/postgres/tables/history.ts'
import { commitment, personalCommitment } from '../seal/commitment.ts'
import { type CopyTransaction, appendRows } from './copy.ts'
import type { Change } from './find-changes.ts'
import type { LockedRow } from './lock-rows.ts'
import { readLatestRevisions } from './read-history.ts'
import type { Observation } from './outcome.ts'

/** Bytes of a salt: as many as the hash that it protects. */
const SALT_BYTES = 32

/** Appends one revision, its personal values and its payload for each change. */
export async function appendRevisions(
  transaction: CopyTransaction,
  changes: readonly Change[],
  options: Observation & { readonly locked: ReadonlyMap<number, LockedRow> },
): Promise<void> {
  const appended = changes.map((change) => {
    const locked = options.locked.get(change.outcome.claim.id) as LockedRow
    const personal = personalRow(change, locked)
    return { personal, revision: revisionRow(change, { ...options, locked, personal }) }
  })
  const payloads = changes.map(({ outcome, revisionNo }) => ({
    classification_id: outcome.claim.id,
    revision_no: revisionNo,
    payload: outcome.bytes,
  }))
  await appendRows(
    transaction,
    CLASSIFICATION_REVISIONS,
    appended.map(({ revision }) => revision),
  )
  await appendRows(
    transaction,
    PERSONAL_VALUES,
    appended.map(({ personal }) => personal),
  )
  await appendRows(transaction, REVISION_PAYLOADS, payloads)
}

function personalRow({ outcome, revisionNo }: Change, { source }: LockedRow): PersonalValuesRow {
  const { name, ref_id, result_url } = outcome.rows.classification
  return {
    classification_id: outcome.claim.id,
    revision_no: revisionNo,
    salt: randomBytes(SALT_BYTES).toString('hex'),
    name,
    ref_id,
    result_url,
    source,
    content_digest: outcome.rows.contentDigest,
    digest_version: DIGEST_VERSION,
  }
}

function revisionRow(
  change: Change,
  {
    runId,
    receivedAt,
    locked,
    personal,
  }: Observation & { readonly locked: LockedRow; readonly personal: PersonalValuesRow },
): RevisionRow {
  const { claim, rows, bytes } = change.outcome
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
    submitted_at: locked.submittedAt,
    personal_commitment: personalCommitment(personal.salt, personal),
    payload_commitment: commitment(personal.salt, bytes),
  }
}

/**
 * Appends a `disappeared` revision, without a payload, to each of these, because the API has stopped returning them. It
 * repeats the columns and the personal values of the revision before. An identifier whose latest revision is a disappearance gets no second one.
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
    payload_commitment: sql<null>`null`,
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
        // Otherwise a cluster would send all identifiers to its workers.
        .where(sql<boolean>`i.id = any(${present}::bigint[])`)
        .orderBy('r.classification_id')
        .orderBy('r.revision_no', 'desc'),
    )
    .execute()
  await repeatPersonalValues(trx, present)
}

/** Gives the latest revision of each of these the personal values of the one before, because its commitment is the same. */
async function repeatPersonalValues(trx: Transaction<Database>, ids: readonly number[]): Promise<void> {
  const columns = columnsOf(PERSONAL_VALUES)
  const next = sql<number>`v.revision_no + 1`
  await trx
    .insertInto('identifai.personal_values')
    .columns(columns)
    .expression((eb) =>
      eb
        .selectFrom('identifai.personal_values as v')
        .distinctOn('v.classification_id')
        .select(
          columns.map((column) => (column === 'revision_no' ? next : sql.ref(`v.${column}`)).as(column)),
        )
        .where(sql<boolean>`v.classification_id = any(${ids}::bigint[])`)
        .orderBy('v.classification_id')
        .orderBy('v.revision_no', 'desc'),
    )
    .execute()
}
