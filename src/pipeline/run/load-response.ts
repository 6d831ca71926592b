import { performance } from 'node:perf_hooks'
import { databaseCodeOf } from '../../platform/postgres/database-error.ts'
import { retryDatabase } from '../../platform/postgres/retry-database.ts'
import type { Claim } from '../queue/claim.ts'
import { type LoadResult, loadBatch } from '../load/load-batch.ts'
import type { Outcome } from '../load/outcome.ts'
import { asciiText, storable } from './evidence.ts'
import type { OutcomeGroup } from './held-outcomes.ts'
import type { Run } from './run.ts'
import type { Tally } from './tally.ts'

/** What writing an answer needs of a pass. */
type Loading = Pick<Run, 'pool' | 'endpoint' | 'logger' | 'runId' | 'tally' | 'telemetry'>

/**
 * Writes the outcomes of one answer and counts them, telling of each claim that has ended. What PostgreSQL will not store
 * although the contract accepts it (a character that the database's encoding lacks) is found by writing record by record,
 * and quarantined.
 */
export async function loadResponse(
  run: Loading,
  answer: OutcomeGroup,
  onEnded: (claim: Claim) => void = () => {},
): Promise<void> {
  if (answer.outcomes.length === 0) return
  try {
    await loadOutcomes(run, answer, answer.outcomes)
    answer.claims.forEach(onEnded)
  } catch (error) {
    if (!isUnstorable(error)) throw error
    for (const outcome of answer.outcomes) {
      await loadAlone(run, answer, outcome)
      answer.claims.filter(({ id }) => id === outcome.claim.id).forEach(onEnded)
    }
  }
}

async function loadAlone(run: Loading, answer: OutcomeGroup, outcome: Outcome): Promise<void> {
  try {
    await loadOutcomes(run, answer, [outcome])
  } catch (error) {
    if (!isUnstorable(error)) throw error
    await loadOutcomes(run, answer, [inAscii(outcome, error as Error)])
  }
}

/** What any database can store instead: content cannot be changed, so it is quarantined; words about it can. */
function inAscii(outcome: Outcome, error: Error): Outcome {
  if (outcome.kind === 'answered') return unstorable(outcome, error)
  const lastError = outcome.ledger.lastError && asciiText(outcome.ledger.lastError)
  const ledger = { ...outcome.ledger, lastError }
  if (outcome.kind !== 'quarantined') return { ...outcome, ledger }
  const issues = outcome.issues.map(({ path, message }) => ({
    path: asciiText(path),
    message: asciiText(message),
  }))
  return { ...outcome, ledger, issues, payload: asciiText(outcome.payload) }
}

/** Data exceptions (class 22) and exceeded limits (class 54): the same rows will never be taken. */
function isUnstorable(error: unknown): boolean {
  return /^(22|54)...$/.test(databaseCodeOf(error) ?? '')
}

function unstorable({ claim, ledger, text }: Extract<Outcome, { kind: 'answered' }>, error: Error): Outcome {
  const message = asciiText(storable(error.message))
  const why = `PostgreSQL cannot store it: ${message}`
  return {
    kind: 'quarantined',
    claim,
    ledger: {
      ...ledger,
      state: 'quarantined',
      dueAfterSeconds: null,
      lastError: why,
      confirmed: false,
      recordDigest: null,
    },
    reason: 'unstorable',
    issues: [{ path: '', message }],
    httpStatus: null,
    payload: asciiText(text),
  }
}

async function loadOutcomes(run: Loading, answer: OutcomeGroup, outcomes: readonly Outcome[]): Promise<void> {
  const { requestedAt, receivedAt } = answer
  const startedAt = performance.now()
  const { runId, endpoint, logger } = run
  const batch = { media: endpoint.media, runId, requestedAt, receivedAt, outcomes }
  const result = await retryDatabase(
    () => loadBatch(run.pool, batch, (payload) => endpoint.canonicalize(payload)),
    logger,
  )
  count(run.tally, result)
  run.telemetry.rowsWritten(result.rows)
  if (result.lost.length > 0) {
    logger.warn({ lost: result.lost.length }, 'leases expired, nothing written for them')
  }
  const missing = result.written.filter(
    ({ claim, ledger }) => ledger.state === 'missing' && !wasMissing(answer, claim),
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
  tally.released += result.lost.length
  for (const outcome of result.written) tally[counterOf(outcome)]++
}

function counterOf(outcome: Outcome): keyof Tally {
  switch (outcome.kind) {
    case 'answered':
      return COUNTER_OF_STATUS[outcome.rows.revision.status]
    case 'identical':
      return COUNTER_OF_STATUS[outcome.ledger.state as 'done' | 'errored']
    case 'not_returned':
      return 'not_returned'
    case 'quarantined':
      return 'quarantined'
  }
}

const COUNTER_OF_STATUS = { new: 'pending', done: 'done', errored: 'errored' } as const
