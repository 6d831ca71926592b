import type { ConnectionPool } from '../../platform/postgres/connect.ts'
import type { Endpoint } from '../../media/endpoint.ts'
import { RunClosedError } from '../../platform/errors.ts'
import { appendDisappearances, appendRevisions } from './append-revisions.ts'
import { type CopyTransaction, withTransaction } from './copy.ts'
import { quarantine, recordDrift, resolveQuarantine } from './evidence.ts'
import { type Change, findChanges } from './find-changes.ts'
import { type LockedRow, lockIdentifiers, lockRunningRun } from './lock-rows.ts'
import type { ClaimKey, Observation, Outcome, Returned } from './outcome.ts'
import { changesForce, findSameFile, requestSameFileRefresh } from './same-file.ts'
import { hintAtFileHashes, updateIdentifiers } from './update-identifiers.ts'
import { updateResultUrls, writeContent } from './write-content.ts'

interface Batch extends Observation {
  readonly endpoint: Endpoint
  readonly outcomes: readonly Outcome[]
}

/** The result of a batch. An outcome whose claim no longer holds is in `expired` and nowhere else. */
export type LoadResult = Awaited<ReturnType<typeof loadBatch>>

/**
 * Writes the outcomes of one response in one transaction: rows, revisions, evidence and tracked identifiers. Unchanged
 * content writes only the row of its identifier. Writes nothing for a claim that no longer holds.
 *
 * @throws RunClosedError, with nothing written, when another process has closed the run.
 */
export async function loadBatch(pool: ConnectionPool, batch: Batch) {
  // A cluster does not pass on why a worker refused a row that was copied.
  const byInsert = batch.outcomes.length === 1
  const work = async (transaction: CopyTransaction) => {
    const { trx } = transaction
    const { endpoint, runId, outcomes } = batch
    const context = { ...batch, media: endpoint.media }
    if (!(await lockRunningRun(trx, runId))) throw new RunClosedError(runId)

    // Reads before the rows are locked. The leases keep other runs from changing them, and an expired lease is noticed
    // right after.
    const proposed = await findChanges(trx, endpoint, outcomes.filter(isReturned))
    const sameFile = await findSameFile(trx, proposed)
    const claims = outcomes.map((outcome) => outcome.claim)
    const locked = await lockIdentifiers(trx, { runId, claims, sameFile })

    const held = outcomes.filter(({ claim }) => holds(claim, locked))
    const returned = held.filter(isReturned)
    const changes = proposed.filter(({ outcome }) => holds(outcome.claim, locked))
    const changedIds = new Set(changes.map(({ outcome }) => outcome.claim.id))
    const unchanged = returned.filter(({ claim }) => !changedIds.has(claim.id))
    const disappeared = held.filter(hasDisappeared).map(({ claim }) => claim.id)
    await writeContent(transaction, endpoint, changes, batch)
    const relinked = await updateResultUrls(trx, unchanged)
    await appendRevisions(transaction, changes, { ...batch, locked })
    await appendDisappearances(trx, disappeared, batch)
    await quarantine(trx, held.filter(isQuarantined), context)
    await resolveQuarantine(
      trx,
      returned.map(({ claim }) => claim.identifier),
      context,
    )
    await recordDrift(
      trx,
      endpoint.media,
      changes.flatMap(({ outcome: { claim, drift } }) =>
        drift.map((one) => ({ ...one, sampleOf: claim.id })),
      ),
    )
    // These come last, because other transactions wait from here on for the time of this change.
    await updateIdentifiers(trx, held, { ...batch, changedIds: new Set([...changedIds, ...relinked]) })
    await hintAtFileHashes(trx, held, endpoint.media)
    await requestSameFileRefresh(trx, sameFile)
    return {
      written: held,
      expired: outcomes.filter(({ claim }) => !holds(claim, locked)),
      changed: changes.length,
      unchanged: unchanged.length + held.filter(({ kind }) => kind === 'identical').length,
      forceChanges: changes.filter(changesForce).length,
      /** Rows of content and history that were written. */
      rows: rowsOf(changes) + disappeared.length,
    }
  }
  return withTransaction(pool, work, { byInsert })
}

/** A revision, its personal values and its payload each, and the rows of the content unless those of a finished analysis stay. */
function rowsOf(changes: readonly Change[]): number {
  return changes.reduce((sum, { keepsRows, outcome }) => {
    const children = Object.values(outcome.rows.children).reduce((count, rows) => count + rows.length, 0)
    return sum + 3 + (keepsRows ? 0 : 1 + children)
  }, 0)
}

/** Compares claims, not rows: an older claim of the same row has expired even when a newer one holds. */
function holds(claim: ClaimKey, locked: ReadonlyMap<number, LockedRow>): boolean {
  return locked.get(claim.id)?.claimNo === claim.claimNo
}

function isReturned(outcome: Outcome): outcome is Returned {
  return outcome.kind === 'returned'
}

function isQuarantined(outcome: Outcome): outcome is Extract<Outcome, { kind: 'quarantined' }> {
  return outcome.kind === 'quarantined'
}

function hasDisappeared(outcome: Outcome): boolean {
  return outcome.kind === 'not_returned' && outcome.disappeared
}
