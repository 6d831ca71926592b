import type { DatabaseTime } from '../../platform/database-time.ts'
import type { Claim } from '../queue/claim.ts'
import type { Outcome } from '../load/outcome.ts'
import { WINDOW } from './breaker.ts'

/** Outcomes of one answer, with the claims they are for. */
export interface OutcomeGroup {
  readonly requestedAt: DatabaseTime
  readonly receivedAt: DatabaseTime
  readonly claims: readonly Claim[]
  readonly outcomes: readonly Outcome[]
}

/**
 * Outcomes that would do harm if the breaker tripped after all: absences, rejections and refusals. They are held until
 * the breaker has looked on a whole window after them, or the pass ends well, and only then written. Their claims stay
 * leased meanwhile; whatever ends the process before, they are as they were.
 */
export class HeldOutcomes {
  #held: { readonly answer: OutcomeGroup; readonly until: number }[] = []
  #observed = 0

  get claims(): Claim[] {
    return this.#held.flatMap(({ answer }) => [...answer.claims])
  }

  /** Holds what is suspicious in an answer and returns the rest of it. */
  hold(answer: OutcomeGroup): OutcomeGroup {
    this.#observed += answer.outcomes.length
    const [plain, suspicious] = [part(answer, isPlain), part(answer, (outcome) => !isPlain(outcome))]
    if (suspicious.outcomes.length > 0)
      this.#held.push({ answer: suspicious, until: this.#observed + WINDOW })
    return plain
  }

  /** What can be written now: the breaker no longer looks back on it. */
  takeCleared(): OutcomeGroup[] {
    const cleared = this.#held.filter(({ until }) => until <= this.#observed)
    this.#held = this.#held.filter(({ until }) => until > this.#observed)
    return cleared.map(({ answer }) => answer)
  }

  /** Everything held, for the end of the pass. */
  get all(): OutcomeGroup[] {
    return this.#held.map(({ answer }) => answer)
  }

  /** Forgets a claim whose outcome has been written. */
  drop(written: Claim): void {
    this.#held = this.#held.map(({ answer, until }) => ({
      until,
      answer: part(answer, ({ claim }) => claim.id !== written.id),
    }))
  }
}

function isPlain(outcome: Outcome): boolean {
  return outcome.kind === 'answered' || outcome.kind === 'identical'
}

function part(answer: OutcomeGroup, belongs: (outcome: Outcome) => boolean): OutcomeGroup {
  const outcomes = answer.outcomes.filter(belongs)
  const ids = new Set(outcomes.map(({ claim }) => claim.id))
  return { ...answer, outcomes, claims: answer.claims.filter(({ id }) => ids.has(id)) }
}
