import type { Endpoint } from '../../../media/endpoint.ts'
import type { Observation, Outcome } from '../../load/outcome.ts'
import type { Claim } from '../../queue/claim.ts'
import { WINDOW } from './circuit-breaker.ts'

/** Outcomes of one response, with their claims. */
export interface OutcomeGroup extends Omit<Observation, 'runId'> {
  readonly endpoint: Endpoint
  readonly claims: readonly Claim[]
  readonly outcomes: readonly Outcome[]
}

/**
 * Holds the outcomes that would do harm if the circuit breaker opened later: absences, rejections and refusals. They are
 * written after the breaker has observed a whole window behind them, or when the run ends well. Their claims stay leased
 * meanwhile. If the process ends before, the identifiers are unchanged.
 */
export class HeldOutcomes {
  #held: { readonly group: OutcomeGroup; readonly until: number }[] = []
  #observed = 0

  get claims(): Claim[] {
    return this.#held.flatMap(({ group }) => [...group.claims])
  }

  /** Holds the suspicious outcomes of a group and returns the rest of it. */
  hold(group: OutcomeGroup): OutcomeGroup {
    this.#observed += group.outcomes.length
    const [plain, suspicious] = [part(group, isPlain), part(group, (outcome) => !isPlain(outcome))]
    if (suspicious.outcomes.length > 0) this.#held.push({ group: suspicious, until: this.#observed + WINDOW })
    return plain
  }

  /** Removes and returns the groups that have left the window of the breaker, which can be written now. */
  takeCleared(): OutcomeGroup[] {
    const cleared = this.#held.filter(({ until }) => until <= this.#observed)
    this.#held = this.#held.filter(({ until }) => until > this.#observed)
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
  return outcome.kind === 'returned' || outcome.kind === 'identical'
}

function part(group: OutcomeGroup, belongs: (outcome: Outcome) => boolean): OutcomeGroup {
  const outcomes = group.outcomes.filter(belongs)
  const ids = new Set(outcomes.map(({ claim }) => claim.id))
  return { ...group, outcomes, claims: group.claims.filter(({ id }) => ids.has(id)) }
}
