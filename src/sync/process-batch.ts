import { CircuitBrokenError } from '../errors.ts'
import type { Claim } from '../extract/claim.ts'
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
  for await (const settlement of askApart(pass, [...open])) {
    const { claims, exchange } = settlement
    const reading = readSettlement(pass, settlement)
    pass.tally.returned += reading.returned
    warnOfOddities(pass, reading)
    await judge(pass, claims, reading.outcomes)
    const plain = pass.held.hold({ ...exchange, claims, outcomes: reading.outcomes })
    // Each claim is in one place: what is held is given back, if it must be, from there.
    for (const claim of pass.held.claims) open.delete(claim)
    const answers = [plain, ...pass.held.takeCleared()]
    for (const claim of answers.flatMap((answer) => answer.claims)) open.add(claim)
    for (const answer of answers) {
      await loadAnswer(pass, answer)
      for (const claim of answer.claims) open.delete(claim)
    }
  }
}

function readSettlement(pass: Pass, { claims, exchange }: Settlement): AnswerReading {
  if (exchange.kind === 'answered') {
    return outcomesOf(claims, exchange.records, { endpoint: pass.endpoint, policy: pass.config })
  }
  const outcomes = claims.map((claim) => outcomeOfRefusal(claim, exchange, pass.config))
  return { outcomes, returned: 0, nameless: 0, unasked: 0, repeated: 0 }
}

/** @throws CircuitBrokenError when answers are no longer about the identifiers asked for. */
async function judge(pass: Pass, claims: readonly Claim[], outcomes: readonly Outcome[]): Promise<void> {
  const settledBefore = new Map(claims.map((claim) => [claim.id, claim.settledBefore]))
  const observations = outcomes.map((outcome) => ({
    id: outcome.claim.id,
    settledBefore: settledBefore.get(outcome.claim.id) ?? false,
    fate: fateOf(outcome),
  }))
  pass.breaker.observe(observations)
  const hasRefusal = observations.some(({ fate }) => fate === 'refused')
  const verdict = pass.breaker.verdict(!hasRefusal || (await pass.quota.acceptedWithinDay()))
  if (verdict !== undefined) throw new CircuitBrokenError(verdict)
}

function fateOf(outcome: Outcome): Observation['fate'] {
  switch (outcome.kind) {
    case 'answered':
      return 'answered'
    case 'not_returned':
      return outcome.refused ? 'refused' : 'absent'
    case 'quarantined':
      return outcome.reason === 'refused_by_api' ? 'refused' : 'rejected'
  }
}

function warnOfOddities({ logger, runId }: Pass, { nameless, unasked, repeated }: AnswerReading): void {
  if (nameless + unasked + repeated === 0) return
  logger.warn({ runId, nameless, unasked, repeated }, 'records of the answer ignored')
}
