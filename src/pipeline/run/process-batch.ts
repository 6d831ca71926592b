import type { Endpoint } from '../../media/endpoint.ts'
import { endpointOf } from '../../media/registry.ts'
import { retryDatabase } from '../../platform/postgres/retry-database.ts'
import type { Outcome } from '../load/outcome.ts'
import { type Claim, claimControlGroup } from '../queue/claim.ts'
import { loadOutcomes } from './load-outcomes.ts'
import { requestBatch } from './request-batch.ts'
import type { BreakerInput } from './rules/circuit-breaker.ts'
import type { ResponseReading } from './rules/outcomes-of.ts'
import type { Run } from './run.ts'

/**
 * Takes one batch, of one medium, from the request to the committed rows. Claims leave `open` when they end or are held, so
 * that the claims left there after a failure are those to release.
 */
export async function processBatch(run: Run, batch: readonly Claim[], open: Set<Claim>): Promise<void> {
  const [first] = batch
  if (!first) return
  const endpoint = endpointOf(first.media)
  for await (const response of requestBatch(run, endpoint, batch)) {
    const { claims, reading } = response
    run.tally.returned += reading.returned
    warnOfIgnored(run, reading)
    run.breaker.observe(observationsOf(claims, reading.outcomes))
    if (run.breaker.needsControlGroup()) await requestControlGroup(run, endpoint, open)
    await checkBreaker(run, reading.outcomes)
    const plain = run.held.hold({ ...response, endpoint, outcomes: reading.outcomes })
    // Each claim is in one place: a held one is released from there, if it must be.
    for (const claim of run.held.claims) open.delete(claim)
    const groups = [plain, ...run.held.takeCleared()]
    for (const claim of groups.flatMap((group) => group.claims)) open.add(claim)
    for (const group of groups) await loadOutcomes(run, group, (claim) => open.delete(claim))
  }
}

function observationsOf(claims: readonly Claim[], outcomes: readonly Outcome[]): BreakerInput[] {
  const states = new Map(claims.map((claim) => [claim.id, claim.state]))
  return outcomes.flatMap((outcome) => {
    const [result, state] = [resultOf(outcome), states.get(outcome.claim.id)]
    // A missing identifier that is still missing is no observation.
    if (state === 'missing' && (result === 'absent' || result === 'refused')) return []
    return [{ id: outcome.claim.id, isFinished: state === 'done' || state === 'errored', result }]
  })
}

/** Requests finished identifiers, once in a run, due or not, to find out if the API still returns those. */
async function requestControlGroup(run: Run, endpoint: Endpoint, open: Set<Claim>): Promise<void> {
  const { db, runId, config, logger } = run
  const limit = run.controlsLeft
  run.controlsLeft = 0
  if (limit === 0) return
  const options = { media: endpoint.media, runId, limit, leaseSeconds: config.leaseSeconds }
  const controls = await retryDatabase(() => claimControlGroup(db, options), logger)
  if (controls.length === 0) return
  logger.warn({ controls: controls.length }, 'no identifier returned, requesting the control group')
  run.tally.claimed += controls.length
  for (const claim of controls) open.add(claim)
  await processBatch(run, controls, open)
}

/** @throws CircuitBrokenError when the responses are no longer about the requested identifiers. */
async function checkBreaker(run: Run, outcomes: readonly Outcome[]): Promise<void> {
  const hasRefusal = outcomes.some((outcome) => resultOf(outcome) === 'refused')
  const error = run.breaker.check(!hasRefusal || (await run.quota.acceptedWithinDay()))
  if (error !== undefined) throw error
}

function resultOf(outcome: Outcome): BreakerInput['result'] {
  switch (outcome.kind) {
    case 'returned':
    case 'identical':
      return 'returned'
    case 'not_returned':
      return outcome.refused ? 'refused' : 'absent'
    case 'quarantined':
      return outcome.reason === 'refused_by_api' ? 'refused' : 'rejected'
  }
}

function warnOfIgnored({ logger }: Run, { nameless, unrequested, repeated }: ResponseReading): void {
  if (nameless + unrequested + repeated === 0) return
  logger.warn({ nameless, unrequested, repeated }, 'response records ignored')
}
