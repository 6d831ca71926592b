import type { Endpoint } from '../../media/endpoint.ts'
import { isFinished } from '../../platform/postgres/tables/queue.ts'
import type { Outcome } from '../load/outcome.ts'
import type { Claim } from '../queue/claim.ts'
import type { Batch } from './batch.ts'
import { takeControlGroup } from './control-group.ts'
import { loadOutcomes } from './load-outcomes.ts'
import { requestBatch } from './request-batch.ts'
import type { BreakerInput, CircuitBreaker } from './rules/circuit-breaker.ts'
import type { OutcomeGroup } from './rules/held-outcomes.ts'
import type { ResponseReading } from './rules/outcomes-of.ts'
import type { Run } from './run.ts'

/**
 * Takes one batch from the request to the committed rows. Claims leave `open` when they end or are held, so that the claims
 * left there after a failure are those to release.
 *
 * @throws CircuitBrokenError when the responses are no longer about the requested identifiers. Records that were returned are
 *   written before.
 */
export async function processBatch(
  run: Run,
  { endpoint, claims, isControlGroup }: Batch,
  open: Set<Claim>,
): Promise<void> {
  const breaker = run.breakers.get(endpoint) as CircuitBreaker
  for await (const response of requestBatch(run, endpoint, claims)) {
    const { reading } = response
    run.tally.returned += reading.returned
    warnOfIgnored(run, reading)
    const inputs = breakerInputs(response.claims, reading.outcomes)
    breaker.observe(response, inputs, isControlGroup)
    const plain = run.held.hold({ ...response, endpoint, outcomes: reading.outcomes })
    // Each claim is in one place: a held one is released from there, if it must be.
    for (const claim of run.held.claims) open.delete(claim)
    await load(run, [plain], open)
    if (!isControlGroup) await requestControlGroup(run, endpoint, open)
    await checkBreaker(run, breaker, inputs)
    await load(run, run.held.takeCleared(endpoint, breaker), open)
  }
}

/**
 * In the middle of a batch, because a batch that is refused is many requests. Other batches wait meanwhile, because the result
 * decides on them, too.
 */
async function requestControlGroup(run: Run, endpoint: Endpoint, open: Set<Claim>): Promise<void> {
  const own = takeControlGroup(run, endpoint, { isEnd: false })?.then(async (group) => {
    for (const claim of group?.claims ?? []) open.add(claim)
    if (group) await processBatch(run, group, open)
  })
  const ended = own?.catch(() => {})
  if (ended) run.controlGroups.set(endpoint, ended)
  await (own ?? run.controlGroups.get(endpoint))
}

async function load(run: Run, groups: readonly OutcomeGroup[], open: Set<Claim>): Promise<void> {
  for (const claim of groups.flatMap((group) => group.claims)) open.add(claim)
  for (const group of groups) await loadOutcomes(run, group, (claim) => open.delete(claim))
}

function breakerInputs(claims: readonly Claim[], outcomes: readonly Outcome[]): BreakerInput[] {
  const states = new Map(claims.map((claim) => [claim.id, claim.state]))
  return outcomes.flatMap((outcome) => {
    const [result, state] = [resultOf(outcome), states.get(outcome.claim.id)]
    // A missing identifier that is still missing is no observation.
    if (state === 'missing' && (result === 'absent' || result === 'refused')) return []
    return [{ id: outcome.claim.id, isFinished: state !== undefined && isFinished(state), result }]
  })
}

async function checkBreaker(
  run: Run,
  breaker: CircuitBreaker,
  inputs: readonly BreakerInput[],
): Promise<void> {
  const hasRefusal = inputs.some(({ result }) => result === 'refused')
  const keyIsProven = !hasRefusal || (await run.quota.acceptedWithinDay())
  const error = breaker.check({ keyIsProven, isEnd: false })
  if (error !== undefined) throw error
}

function resultOf(outcome: Outcome): BreakerInput['result'] {
  switch (outcome.kind) {
    case 'identical':
      return 'returned'
    case 'returned':
      return outcome.rows.hasKnownStatus ? 'returned' : 'undocumented'
    case 'not_returned':
      return outcome.refused ? 'refused' : 'absent'
    case 'quarantined':
      return 'rejected'
  }
}

function warnOfIgnored({ logger }: Run, { nameless, unrequested, repeated }: ResponseReading): void {
  if (nameless + unrequested + repeated === 0) return
  logger.warn({ nameless, unrequested, repeated }, 'response records ignored')
}
