import { retryDatabase } from '../../platform/postgres/retry-database.ts'
import { CircuitBrokenError } from '../../platform/errors.ts'
import type { Claim } from '../queue/claim.ts'
import { claimControls } from '../queue/claim-controls.ts'
import type { Outcome } from '../load/outcome.ts'
import { askApart, type Settlement } from './ask-apart.ts'
import type { Observation } from './breaker.ts'
import { loadAnswer } from './load-answer.ts'
import { outcomeOfRefusal } from './outcome-of-refusal.ts'
import { type AnswerReading, outcomesOf } from './outcomes-of.ts'
import type { Pass } from './pass.ts'

/**
 * Takes one batch all the way: ask, validate, normalize, judge, load, count. Claims leave `open` as they end or are
 * held, so that what is left there when it fails is what has to be given back.
 */
export async function processBatch(pass: Pass, open: Set<Claim>): Promise<void> {
  await settleAll(pass, [...open], open)
}

async function settleAll(pass: Pass, batch: readonly Claim[], open: Set<Claim>): Promise<void> {
  for await (const settlement of askApart(pass, batch)) {
    const { claims, exchange } = settlement
    const reading = readSettlement(pass, settlement)
    pass.tally.returned += reading.returned
    warnOfOddities(pass, reading)
    pass.breaker.observe(observationsOf(claims, reading.outcomes))
    if (pass.breaker.wantsControl()) await askControls(pass, open)
    await judge(pass, reading.outcomes)
    const plain = pass.held.hold({ ...exchange, claims, outcomes: reading.outcomes })
    // Each claim is in one place: what is held is given back, if it must be, from there.
    for (const claim of pass.held.claims) open.delete(claim)
    const answers = [plain, ...pass.held.takeCleared()]
    for (const claim of answers.flatMap((answer) => answer.claims)) open.add(claim)
    for (const answer of answers) await loadAnswer(pass, answer, (claim) => open.delete(claim))
  }
}

function readSettlement(pass: Pass, { claims, exchange }: Settlement): AnswerReading {
  if (exchange.kind === 'answered') {
    return outcomesOf(claims, exchange.records, { endpoint: pass.endpoint, policy: pass.config })
  }
  const outcomes = claims.map((claim) => outcomeOfRefusal(claim, exchange, pass.config))
  return { outcomes, returned: 0, nameless: 0, unasked: 0, repeated: 0 }
}

function observationsOf(claims: readonly Claim[], outcomes: readonly Outcome[]): Observation[] {
  const states = new Map(claims.map((claim) => [claim.id, claim.state]))
  return outcomes.flatMap((outcome) => {
    const [fate, state] = [fateOf(outcome), states.get(outcome.claim.id)]
    // That a missing one is still missing is no news.
    if (state === 'missing' && (fate === 'absent' || fate === 'refused')) return []
    return [{ id: outcome.claim.id, settledBefore: state === 'done' || state === 'errored', fate }]
  })
}

/** Asks for settled identifiers, once in a pass, due or not: does the API still know those? */
async function askControls(pass: Pass, open: Set<Claim>): Promise<void> {
  const { db, runId, endpoint, config, logger } = pass
  const limit = pass.controlsLeft
  pass.controlsLeft = 0
  if (limit === 0) return
  const options = { media: endpoint.media, runId, limit, leaseSeconds: config.leaseSeconds }
  const controls = await retryDatabase(() => claimControls(db, options), logger)
  if (controls.length === 0) return
  logger.warn({ controls: controls.length }, 'nothing comes back, asking for some that are known')
  pass.tally.claimed += controls.length
  for (const claim of controls) open.add(claim)
  await settleAll(pass, controls, open)
}

/** @throws CircuitBrokenError when answers are no longer about the identifiers asked for. */
async function judge(pass: Pass, outcomes: readonly Outcome[]): Promise<void> {
  const hasRefusal = outcomes.some((outcome) => fateOf(outcome) === 'refused')
  const verdict = pass.breaker.verdict(!hasRefusal || (await pass.quota.acceptedWithinDay()))
  if (verdict !== undefined) throw new CircuitBrokenError(verdict)
}

function fateOf(outcome: Outcome): Observation['fate'] {
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

function warnOfOddities({ logger }: Pass, { nameless, unasked, repeated }: AnswerReading): void {
  if (nameless + unasked + repeated === 0) return
  logger.warn({ nameless, unasked, repeated }, 'records of the answer ignored')
}
