import type { Endpoint } from '../../../media/endpoint.ts'
import type { Observation, Outcome } from '../../load/outcome.ts'
import type { Claim } from '../../queue/claim.ts'
import { type CircuitBreaker, WINDOW } from './circuit-breaker.ts'

/** Outcomes of one response, with their claims. */
export interface OutcomeGroup extends Omit<Observation, 'runId'> {
  readonly endpoint: Endpoint
  readonly claims: readonly Claim[]
  readonly outcomes: readonly Outcome[]
}

interface Held {
  readonly group: OutcomeGroup
  readonly until: number
}

/**
 * Holds the outcomes that would do harm if the circuit breaker opened later: absences, rejections, refusals and undocumented
 * statuses. They are written after the breaker has observed a whole window behind them, or when the run ends well. Absences
 * are also written once the breaker has acquitted them, and not while they are in doubt. Their claims stay leased meanwhile.
 * If the process ends before, the identifiers are unchanged.
 */
export class HeldOutcomes {
  #held: Held[] = []
  #observed = 0

  get claims(): Claim[] {
    return this.#held.flatMap(({ group }) => [...group.claims])
  }

  /** Holds the suspicious outcomes of a group and returns the rest of it. */
  hold(group: OutcomeGroup): OutcomeGroup {
    this.#observed += group.outcomes.length
    const [plain, ...suspicious] = [isPlain, isAbsence, isOdd].map((belongs) => part(group, belongs))
    for (const held of suspicious)
      if (held.outcomes.length > 0) this.#held.push({ group: held, until: this.#observed + WINDOW })
    return plain as OutcomeGroup
  }

  /** Removes and returns the groups of one medium that can be written now. */
  takeCleared(endpoint: Endpoint, { acquittedBefore, isInDoubt }: CircuitBreaker): OutcomeGroup[] {
    const isCleared = ({ group, until }: Held) => {
      if (group.endpoint !== endpoint) return false
      const hasPassed = until <= this.#observed
      if (!group.outcomes.some(isAbsence)) return hasPassed
      return group.receivedAt < acquittedBefore || (hasPassed && !isInDoubt)
    }
    const cleared = this.#held.filter(isCleared)
    this.#held = this.#held.filter((held) => !cleared.includes(held))
    return cleared.map(({ group }) => group)
  }

  /** Everything held, for the end of the run. */
  get all(): OutcomeGroup[] {
    return this.#held.map(({ group }) => group)
  }

  /** Removes a claim whose outcome has been written. */
  drop(written: Claim): void {
    this.#held = this.#held.map(({ group, until }) => ({
      until,
      group: part(group, ({ claim }) => claim.id !== written.id),
    }))
  }
}

function isPlain(outcome: Outcome): boolean {
  return !isAbsence(outcome) && !isOdd(outcome)
}

function isAbsence(outcome: Outcome): boolean {
  return outcome.kind === 'not_returned'
}

function isOdd(outcome: Outcome): boolean {
  return outcome.kind === 'quarantined' || (outcome.kind === 'returned' && !outcome.rows.hasKnownStatus)
}

function part(group: OutcomeGroup, belongs: (outcome: Outcome) => boolean): OutcomeGroup {
  const outcomes = group.outcomes.filter(belongs)
  const ids = new Set(outcomes.map(({ claim }) => claim.id))
  return { ...group, outcomes, claims: group.claims.filter(({ id }) => ids.has(id)) }
}
