import { CircuitBrokenError } from '../../../platform/errors.ts'

/** The result for one identifier, with the facts that the circuit breaker needs. */
export interface BreakerInput {
  readonly id: number
  /** It was done or errored when it was requested. */
  readonly isFinished: boolean
  readonly result: 'returned' | 'absent' | 'rejected' | 'refused'
}

/** The latest observations that can open the breaker. */
export const WINDOW = 1000

/** Bounds below which a result may be a coincidence. */
const MANY = 50
const FINISHED_AT_LEAST = 5
const REFUSED_AT_LEAST = 3
const NOTHING_BUT_REFUSALS = 10
const ABSENT_SHARE = 0.2
const REJECTED_SHARE = 0.1

/**
 * Stops a run whose responses are not about the identifiers but about the request as a whole. Causes are the key of another
 * account, a changed contract or a wrong address. Such a run must not make all identifiers missing or quarantined.
 */
export class CircuitBreaker {
  #window: BreakerInput[] = []
  readonly #refused = new Set<number>()

  observe(observations: readonly BreakerInput[]): void {
    this.#window = [...this.#window, ...observations].slice(-WINDOW)
    for (const { id, result } of observations) if (result === 'refused') this.#refused.add(id)
  }

  /**
   * Returns true when nothing was returned, and no finished identifier was requested. Only identifiers that are known to exist
   * can distinguish a wrong key from a list of identifiers that do not exist.
   */
  needsControlGroup(): boolean {
    return (
      this.#window.length >= FINISHED_AT_LEAST &&
      this.#window.every((observation) => isGone(observation) && !observation.isFinished)
    )
  }

  /**
   * Returns the error that stops the run when the responses are no longer about the requested identifiers.
   *
   * @param keyIsProven The API has accepted a request with this key within the last day.
   */
  check(keyIsProven: boolean): CircuitBrokenError | undefined {
    return this.#absences() ?? this.#rejections() ?? this.#refusals(keyIsProven)
  }

  #absences(): CircuitBrokenError | undefined {
    const finished = this.#window.filter(({ isFinished }) => isFinished)
    const gone = finished.filter(isGone).length
    const many = gone >= MANY && gone > ABSENT_SHARE * finished.length
    const all = finished.length >= FINISHED_AT_LEAST && gone === finished.length
    if (many || all) {
      return new CircuitBrokenError(
        `${STOPPED} The API no longer returns ${gone} of ${finished.length} identifiers that it returned before.`,
        'Check if IDENTIFAI_API_KEY is the key of another account, or if IDENTIFAI_API_URL is wrong.',
      )
    }
    const requested = this.#window.length
    if (requested >= MANY && this.#window.every(isGone)) {
      return new CircuitBrokenError(
        `${STOPPED} The API returns none of ${requested} identifiers.`,
        'Check IDENTIFAI_API_KEY, IDENTIFAI_API_URL, and if these identifiers were submitted. A file hash is not an identifier.',
      )
    }
    if (requested >= NOTHING_BUT_REFUSALS && this.#window.every(({ result }) => result === 'refused')) {
      return new CircuitBrokenError(
        `${STOPPED} The API refuses each of ${requested} identifiers (400, 404 or 422), and returns nothing else.`,
        'Check IDENTIFAI_API_URL, and if these identifiers were submitted. A file hash is not an identifier.',
      )
    }
    return undefined
  }

  #rejections(): CircuitBrokenError | undefined {
    const returned = this.#window.filter((observation) => !isGone(observation))
    const rejected = returned.filter(({ result }) => result === 'rejected').length
    if (rejected < MANY || rejected <= REJECTED_SHARE * returned.length) return undefined
    return new CircuitBrokenError(
      `${STOPPED} Too many records (${rejected} of ${returned.length}) do not fit the contract, because the API has changed.`,
      'Check for a newer identifai-sync.',
    )
  }

  #refusals(keyIsProven: boolean): CircuitBrokenError | undefined {
    const refused = this.#refused.size
    if (refused < REFUSED_AT_LEAST || keyIsProven) return undefined
    return new CircuitBrokenError(
      `${STOPPED} The API refuses one identifier after another (${refused}), and has accepted nothing for a day.`,
      'Check IDENTIFAI_API_URL and IDENTIFAI_API_KEY.',
    )
  }
}

const STOPPED = 'The circuit breaker stopped the run, and nothing was changed for these identifiers.'

/** A refused identifier is not returned either. */
function isGone({ result }: BreakerInput): boolean {
  return result === 'absent' || result === 'refused'
}
