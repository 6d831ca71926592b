import { performance } from 'node:perf_hooks'
import { databaseCodeOf } from '../../platform/postgres/database-error.ts'
import { retryDatabase } from '../../platform/postgres/retry-database.ts'
import { asciiText, storable } from '../../platform/text.ts'
import { type LoadResult, loadBatch } from '../load/load-batch.ts'
import type { Outcome, Returned } from '../load/outcome.ts'
import type { Claim } from '../queue/claim.ts'
import type { OutcomeGroup } from './rules/held-outcomes.ts'
import type { Tally } from './rules/tally.ts'
import type { Run } from './run.ts'

/** The parts of a run that loading needs. */
type Loading = Pick<Run, 'pool' | 'logger' | 'runId' | 'tally' | 'telemetry'>

/**
 * Writes the outcomes of one response, counts them, and reports each claim that has ended. PostgreSQL may refuse a record that
 * fits the contract, for a character that the database's encoding lacks. Then the records are written one at a time, and the
 * refused one is quarantined.
 */
export async function loadOutcomes(
  run: Loading,
  group: OutcomeGroup,
  onEnded: (claim: Claim) => void = () => {},
): Promise<void> {
  if (group.outcomes.length === 0) return
  try {
    await load(run, group, group.outcomes)
    group.claims.forEach(onEnded)
  } catch (error) {
    if (!isUnstorable(error) && !isUnexplained(error)) throw error
    for (const outcome of group.outcomes) {
      await loadAlone(run, group, outcome)
      group.claims.filter(({ id }) => id === outcome.claim.id).forEach(onEnded)
    }
  }
}

async function loadAlone(run: Loading, group: OutcomeGroup, outcome: Outcome): Promise<void> {
  try {
    await load(run, group, [outcome])
  } catch (error) {
    if (!isUnstorable(error)) throw error
    await load(run, group, [inAscii(outcome, error as Error)])
  }
}

/** The outcome in a form that any database can store: content is quarantined, because only texts about it may change. */
function inAscii(outcome: Outcome, error: Error): Outcome {
  if (outcome.kind === 'returned') return unstorable(outcome, error)
  const lastError = outcome.update.lastError && asciiText(outcome.update.lastError)
  const update = { ...outcome.update, lastError }
  if (outcome.kind !== 'quarantined') return { ...outcome, update }
  const issues = outcome.issues.map(({ path, message }) => ({
    path: asciiText(path),
    message: asciiText(message),
  }))
  return { ...outcome, update, issues, payload: asciiText(outcome.payload) }
}

/** Data exceptions (class 22) and exceeded limits (class 54): PostgreSQL will never accept the same rows. */
function isUnstorable(error: unknown): boolean {
  return /^(22|54)...$/.test(databaseCodeOf(error) ?? '')
}

/** Internal and system errors. A cluster reports them for each refused COPY of a worker, and has the real code for an INSERT. */
function isUnexplained(error: unknown): boolean {
  return /^(XX|58)...$/.test(databaseCodeOf(error) ?? '')
}

function unstorable({ claim, update, bytes }: Returned, error: Error): Outcome {
  const message = asciiText(storable(error.message))
  return {
    kind: 'quarantined',
    claim,
    update: {
      ...update,
      state: 'quarantined',
      dueAfterSeconds: null,
      lastError: `PostgreSQL cannot store it: ${message}`,
      confirmed: false,
      recordDigest: null,
    },
    reason: 'unstorable',
    issues: [{ path: '', message }],
    payload: asciiText(bytes.toString()),
  }
}

async function load(run: Loading, group: OutcomeGroup, outcomes: readonly Outcome[]): Promise<void> {
  const startedAt = performance.now()
  const { runId, logger } = run
  const { endpoint, requestedAt, receivedAt } = group
  const batch = { endpoint, runId, requestedAt, receivedAt, outcomes }
  const result = await retryDatabase(() => loadBatch(run.pool, batch), logger)
  count(run.tally, result)
  run.telemetry.rowsWritten(result.rows)
  if (result.expired.length > 0) {
    logger.warn({ expired: result.expired.length }, 'leases expired, nothing written for them')
  }
  const missing = result.written.filter(
    ({ claim, update }) => update.state === 'missing' && !wasMissing(group, claim),
  ).length
  if (missing > 0) logger.warn({ missing }, 'identifiers became missing, see status --stuck')
  const durationMs = Math.round(performance.now() - startedAt)
  logger.info({ identifiers: outcomes.length, changed: result.changed, durationMs }, 'batch loaded')
}

function wasMissing({ claims }: OutcomeGroup, { id }: Outcome['claim']): boolean {
  return claims.some((claim) => claim.id === id && claim.state === 'missing')
}

function count(tally: Tally, result: LoadResult): void {
  tally.changed += result.changed
  tally.unchanged += result.unchanged
  tally.force_changes += result.forceChanges
  tally.released += result.expired.length
  for (const outcome of result.written) tally[counterOf(outcome)]++
}

function counterOf(outcome: Outcome): keyof Tally {
  switch (outcome.kind) {
    case 'returned':
      return outcome.rows.revision.status === 'new' ? 'pending' : outcome.rows.revision.status
    case 'identical':
      return outcome.update.state === 'errored' ? 'errored' : 'done'
    case 'not_returned':
      return 'not_returned'
    case 'quarantined':
      return 'quarantined'
  }
}
