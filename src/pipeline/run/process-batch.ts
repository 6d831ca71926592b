import { retryDatabase } from '../../platform/postgres/retry-database.ts'
import { CircuitBrokenError } from '../../platform/errors.ts'
import type { Claim } from '../queue/claim.ts'
import { claimControls } from '../queue/claim-controls.ts'
import type { Outcome } from '../load/outcome.ts'
import { requestSplitting, type BatchResponse } from './request-splitting.ts'
import type { Observation } from './breaker.ts'
import { loadResponse } from './load-response.ts'
import { outcomeOfRefusal } from './outcome-of-refusal.ts'
import { type ResponseReading, outcomesOf } from './outcomes-of.ts'
import type { Run } from './run.ts'

/**
 * Takes one batch all the way: ask, validate, normalize, judge, load, count. Claims leave `open` as they end or are
 * held, so that what is left there when it fails is what has to be given back.
 */
export async function processBatch(run: Run, open: Set<Claim>): Promise<void> {
  await settleAll(run, [...open], open)
}

async function settleAll(run: Run, batch: readonly Claim[], open: Set<Claim>): Promise<void> {
  for await (const response of requestSplitting(run, batch)) {
    const { claims, exchange } = response
    const reading = readBatchResponse(run, response)
    run.tally.returned += reading.returned
    warnOfOddities(run, reading)
    run.breaker.observe(observationsOf(claims, reading.outcomes))
    if (run.breaker.wantsControl()) await requestControlGroup(run, open)
    await judge(run, reading.outcomes)
    const plain = run.held.hold({ ...exchange, claims, outcomes: reading.outcomes })
    // Each claim is in one place: what is held is given back, if it must be, from there.
    for (const claim of run.held.claims) open.delete(claim)
    const answers = [plain, ...run.held.takeCleared()]
    for (const claim of answers.flatMap((answer) => answer.claims)) open.add(claim)
    for (const answer of answers) await loadResponse(run, answer, (claim) => open.delete(claim))
  }
}

function readBatchResponse(run: Run, { claims, exchange }: BatchResponse): ResponseReading {
  if (exchange.kind === 'answered') {
    return outcomesOf(claims, exchange.records, { endpoint: run.endpoint, policy: run.config })
  }
  const outcomes = claims.map((claim) => outcomeOfRefusal(claim, exchange, run.config))
  return { outcomes, returned: 0, nameless: 0, unrequested: 0, repeated: 0 }
}

function observationsOf(claims: readonly Claim[], outcomes: readonly Outcome[]): Observation[] {
  const states = new Map(claims.map((claim) => [claim.id, claim.state]))
  return outcomes.flatMap((outcome) => {
    const [result, state] = [resultOf(outcome), states.get(outcome.claim.id)]
    // That a missing one is still missing is no news.
    if (state === 'missing' && (result === 'absent' || result === 'refused')) return []
    return [{ id: outcome.claim.id, wasFinished: state === 'done' || state === 'errored', result }]
  })
}

/** Asks for finished identifiers, once in a pass, due or not: does the API still know those? */
async function requestControlGroup(run: Run, open: Set<Claim>): Promise<void> {
  const { db, runId, endpoint, config, logger } = run
  const limit = run.controlsLeft
  run.controlsLeft = 0
  if (limit === 0) return
  const options = { media: endpoint.media, runId, limit, leaseSeconds: config.leaseSeconds }
  const controls = await retryDatabase(() => claimControls(db, options), logger)
  if (controls.length === 0) return
  logger.warn({ controls: controls.length }, 'no identifier returned, requesting the control group')
  run.tally.claimed += controls.length
  for (const claim of controls) open.add(claim)
  await settleAll(run, controls, open)
}

/** @throws CircuitBrokenError when answers are no longer about the identifiers asked for. */
async function judge(run: Run, outcomes: readonly Outcome[]): Promise<void> {
  const hasRefusal = outcomes.some((outcome) => resultOf(outcome) === 'refused')
  const verdict = run.breaker.verdict(!hasRefusal || (await run.quota.acceptedWithinDay()))
  if (verdict !== undefined) throw new CircuitBrokenError(verdict)
}

function resultOf(outcome: Outcome): Observation['result'] {
  switch (outcome.kind) {
    case 'answered':
    case 'identical':
      return 'answered'
    case 'not_returned':
      return outcome.refused ? 'refused' : 'absent'
    case 'quarantined':
      return outcome.reason === 'refused_by_api' ? 'refused' : 'rejected'
  }
}

function warnOfOddities({ logger }: Run, { nameless, unrequested, repeated }: ResponseReading): void {
  if (nameless + unrequested + repeated === 0) return
  logger.warn({ nameless, unrequested, repeated }, 'response records ignored')
}
