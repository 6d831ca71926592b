/** What became of one identifier, as far as the breaker cares. */
export interface Observation {
  readonly id: number
  /** Whether it was done or errored when it was asked. */
  readonly wasFinished: boolean
  readonly result: 'answered' | 'absent' | 'rejected' | 'refused'
}

/** Identifiers that the breaker looks back on; what is older can no longer trip it. */
export const WINDOW = 1000

/** So many of a kind are no accident; fewer may be. */
const MANY = 50
const FINISHED_AT_LEAST = 5
const REFUSED_AT_LEAST = 3
const NOTHING_BUT_REFUSALS = 10
const ABSENT_SHARE = 0.2
const REJECTED_SHARE = 0.1

/**
 * Notices when answers are not about the identifiers but about the whole: another account's key, a changed contract, a
 * wrong address. Such a night must not turn a fleet into missing and quarantined ones.
 */
export class Breaker {
  #window: Observation[] = []
  readonly #refused = new Set<number>()

  observe(observations: readonly Observation[]): void {
    this.#window = [...this.#window, ...observations].slice(-WINDOW)
    for (const { id, result } of observations) if (result === 'refused') this.#refused.add(id)
  }

  /**
   * Whether nothing that was asked has come back, and nothing was asked that ought to: only identifiers known to be
   * there can tell a wrong key from a list of identifiers that do not exist.
   */
  wantsControl(): boolean {
    return (
      this.#window.length >= FINISHED_AT_LEAST &&
      this.#window.every((observation) => isGone(observation) && !observation.wasFinished)
    )
  }

  /**
   * The likely cause, in a sentence for the operator, when the pass has to stop; undefined while all is well.
   *
   * @param keyIsProven Whether the API has accepted a request with this key within the last day.
   */
  verdict(keyIsProven: boolean): string | undefined {
    return this.#ofAbsence() ?? this.#ofRejection() ?? this.#ofRefusal(keyIsProven)
  }

  #ofAbsence(): string | undefined {
    const finished = this.#window.filter(({ wasFinished }) => wasFinished)
    const gone = finished.filter(isGone).length
    const many = gone >= MANY && gone > ABSENT_SHARE * finished.length
    const all = finished.length >= FINISHED_AT_LEAST && gone === finished.length
    if (many || all) {
      return (
        `${gone} of ${finished.length} identifiers that the API returned before are not returned any more: ` +
        'is IDENTIFAI_API_KEY the key of another account, or IDENTIFAI_API_URL wrong?'
      )
    }
    const asked = this.#window.length
    if (asked >= MANY && this.#window.every(isGone)) {
      return (
        `The API returns none of ${asked} identifiers: is IDENTIFAI_API_KEY the key of another account, ` +
        'or IDENTIFAI_API_URL wrong, or was none of these ever submitted (a file hash is no identifier)?'
      )
    }
    if (asked >= NOTHING_BUT_REFUSALS && this.#window.every(({ result }) => result === 'refused')) {
      return (
        `The API refuses each of ${asked} identifiers, and answers nothing else (400, 404 or 422): is IDENTIFAI_API_URL ` +
        'wrong, or was none of these ever submitted (a file hash is no identifier)?'
      )
    }
    return undefined
  }

  #ofRejection(): string | undefined {
    const returned = this.#window.filter((observation) => !isGone(observation))
    const rejected = returned.filter(({ result }) => result === 'rejected').length
    if (rejected < MANY || rejected <= REJECTED_SHARE * returned.length) return undefined
    return (
      `${rejected} of ${returned.length} records do not fit the contract: the API has changed. ` +
      'Look for a newer identifai-sync.'
    )
  }

  #ofRefusal(keyIsProven: boolean): string | undefined {
    if (this.#refused.size < REFUSED_AT_LEAST || keyIsProven) return undefined
    return (
      `The API refuses one identifier after another (${this.#refused.size}) and has accepted nothing for a day: ` +
      'check IDENTIFAI_API_URL and IDENTIFAI_API_KEY.'
    )
  }
}

/** A refused identifier is not returned either. */
function isGone({ result }: Observation): boolean {
  return result === 'absent' || result === 'refused'
}
