import type { Transaction } from 'kysely'
import type { Pool } from 'pg'
import type { DatabaseTime } from '../../platform/database-time.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { RunClosedError } from '../../platform/errors.ts'
import { appendDisappearances, appendRevisions } from './append-revisions.ts'
import { type Returned, type Canonicalize, type Change, findChanges } from './find-changes.ts'
import { changesForce, findSameFile, requestSameFileRefresh } from './same-file.ts'
import { type LockedRow, lockIdentifiers, lockRunningRun } from './lock-rows.ts'
import { noteFileHashes } from './note-file-hashes.ts'
import type { Fence, Outcome } from './outcome.ts'
import { quarantine, resolveQuarantine } from './quarantine.ts'
import { recordDrift } from './record-drift.ts'
import { updateIdentifiers } from './update-identifiers.ts'
import { withTransaction } from './with-transaction.ts'
import { updateResultUrls, writeContent } from './write-content.ts'

export interface Batch {
  readonly media: string
  readonly runId: string
  /** Database clock before the request left. */
  readonly requestedAt: DatabaseTime
  /** Database clock after the answer had been received. */
  readonly receivedAt: DatabaseTime
  readonly outcomes: readonly Outcome[]
}

/** What became of a batch; an outcome whose claim no longer held is in `lost` and nowhere else. */
export interface LoadResult {
  readonly written: readonly Outcome[]
  readonly lost: readonly Outcome[]
  readonly changed: number
  readonly unchanged: number
  readonly forceChanges: number
  /** Rows of content and history that were written. */
  readonly rows: number
}

/**
 * Writes the outcomes of one answer: rows, revisions, evidence and ledger, in one transaction. Content that is the
 * same as before writes nothing but its ledger row. Nothing is written for a claim that no longer holds.
 *
 * @throws RunClosedError, with nothing written, when the run has been closed meanwhile.
 */
export async function loadBatch(pool: Pool, batch: Batch, canonicalize: Canonicalize): Promise<LoadResult> {
  return withTransaction(pool, async (transaction) => {
    const { trx } = transaction
    if (!(await lockRunningRun(trx, batch.runId))) throw new RunClosedError(batch.runId)

    // Read before the rows are locked: our leases keep everybody else from changing what is read here, and a lease
    // that is no longer ours is noticed right after.
    const proposed = await findChanges(trx, batch.outcomes.filter(isReturned), canonicalize)
    const sameFile = await findSameFile(trx, proposed)
    const claims = batch.outcomes.map((outcome) => outcome.claim)
    const ledger = await lockIdentifiers(trx, { runId: batch.runId, claims, sameFile })

    const held = batch.outcomes.filter(({ claim }) => holds(claim, ledger))
    const changes = proposed.filter(({ outcome }) => holds(outcome.claim, ledger))
    const changedIds = new Set(changes.map(({ outcome }) => outcome.claim.id))
    const unchanged = held.filter(isReturned).filter(({ claim }) => !changedIds.has(claim.id))
    await writeContent(transaction, changes, batch)
    await updateResultUrls(trx, unchanged)
    await appendRevisions(transaction, changes, { ...batch, ledger })
    const disappeared = held.filter(hasDisappeared).map(({ claim }) => claim.id)
    await appendDisappearances(trx, disappeared, batch)
    await updateIdentifiers(trx, held, batch)
    await noteFileHashes(trx, held, batch.media)
    await requestSameFileRefresh(trx, sameFile)
    await keepEvidence(trx, batch, held, changes)
    return {
      written: held,
      lost: batch.outcomes.filter(({ claim }) => !holds(claim, ledger)),
      changed: changes.length,
      unchanged: unchanged.length + held.filter(({ kind }) => kind === 'identical').length,
      forceChanges: changes.filter(changesForce).length,
      rows: rowsOf(changes) + disappeared.length,
    }
  })
}

async function keepEvidence(
  trx: Transaction<Database>,
  batch: Batch,
  held: readonly Outcome[],
  changes: readonly Change[],
): Promise<void> {
  await quarantine(trx, held.filter(isQuarantined), batch)
  await resolveQuarantine(
    trx,
    held.filter(isReturned).map(({ claim }) => claim.identifier),
    batch,
  )
  await recordDrift(
    trx,
    batch.media,
    changes.flatMap(({ outcome }) => outcome.drift),
  )
}

/** A revision each, the record behind it, and its rows unless those of a finished analysis stay. */
function rowsOf(changes: readonly Change[]): number {
  return changes.reduce((sum, { keepsRows, outcome: { rows } }) => {
    const { clips, verdicts, verdictModels, modelResults, modelScores } = rows
    const children = [clips, verdicts, verdictModels, modelResults, modelScores]
    return sum + 2 + (keepsRows ? 0 : 1 + children.reduce((n, list) => n + list.length, 0))
  }, 0)
}

/** By claim, not by row: an older claim of the same row is lost even when a newer one holds. */
function holds(claim: Fence, ledger: ReadonlyMap<number, LockedRow>): boolean {
  return ledger.get(claim.id)?.claimNo === claim.claimNo
}

function isReturned(outcome: Outcome): outcome is Returned {
  return outcome.kind === 'answered'
}

function isQuarantined(outcome: Outcome): outcome is Extract<Outcome, { kind: 'quarantined' }> {
  return outcome.kind === 'quarantined'
}

function hasDisappeared(outcome: Outcome): boolean {
  return outcome.kind === 'not_returned' && outcome.disappeared
}
