import { CircuitBrokenError } from '../../../platform/errors.ts'
import type { DatabaseTime } from '../../../platform/time.ts'

/** The result for one identifier, with the facts that the circuit breaker needs. */
export interface BreakerInput {
  readonly id: number
  /** It was done or errored when it was requested. */
  readonly isFinished: boolean
  /** `undocumented`: returned with a status that is not documented. */
  readonly result: 'returned' | 'undocumented' | 'absent' | 'rejected' | 'refused'
}

/** Finished identifiers that are requested, due or not, to find out if the API still returns those. */
interface ControlGroup {
  readonly size: number
  readonly received: number
  readonly gone: number
  /** Time of the first request. */
  readonly requestedAt: DatabaseTime | undefined
}

/** The response to a request: an array of records, or a refusal of the request as a whole. */
type Response = {
  readonly requestedAt: DatabaseTime
  readonly receivedAt: DatabaseTime
} & ({ readonly kind: 'records' } | { readonly kind: 'refused' | 'too_long'; readonly status: number })

/** The latest observations that can open the breaker. */
export const WINDOW = 1000

/** Size of a control group; a larger one would prove no more. */
export const CONTROLS = 20

/** The share of a control group that is returned when the API returns what it has. */
const CONTROL_SHARE = 0.9

/** Requests for each one of a control group, which uses the quota without a new result. */
const REQUESTS_PER_CONTROL_GROUP = 10

/** Bounds below which a result may be a coincidence. */
const MANY = 50
const FINISHED_AT_LEAST = 5
const REFUSED_AT_LEAST = 3
const PAGES_AT_LEAST = 3
const NOTHING_BUT_REFUSALS = 10
const ABSENT_SHARE = 0.2
const ODD_SHARE = 0.1

/**
 * Stops a run whose responses are not about the identifiers but about the request as a whole. Causes are the key of another
 * account, a changed contract or a wrong address. Such a run must not make all identifiers missing or quarantined.
 *
 * Many absences have two possible causes. The API may have deleted these results, or it may return nothing to this key.
 * Finished identifiers that are requested after the absences were seen distinguish the two: those of the next batches, or a
 * control group.
 *
 * A refusal before any records has two possible causes, too. The API may not have one of the identifiers, or the address may
 * not lead to the API. A control group distinguishes them immediately, before the batch is split.
 */
export class CircuitBreaker {
  #window: (BreakerInput & { readonly seenAt: DatabaseTime })[] = []
  readonly #refused = new Set<number>()
  /** Of all refusals of the run, also those of several identifiers. */
  readonly #refusalStatuses = new Set<number>()
  #hasRecords = false
  #pages = 0
  /** Requests of the run up to the last control group. */
  #requestsBefore = 0
  #mayHaveControls: boolean
  #controlGroup: ControlGroup | undefined
  #acquittedBefore: DatabaseTime = ''

  /** @param mayRequestControls False when the run may request due identifiers only. */
  constructor(mayRequestControls: boolean) {
    this.#mayHaveControls = mayRequestControls
  }

  /** Absences that were seen before this time are about their identifiers. */
  get acquittedBefore(): DatabaseTime {
    return this.#acquittedBefore
  }

  /** True while the API has refused every request of the run, so that its address may be wrong. */
  get isRefusedOnly(): boolean {
    return this.#refusalStatuses.size > 0 && !this.#hasRecords
  }

  observe(response: Response, inputs: readonly BreakerInput[], isControlGroup = false): void {
    this.#observeKind(response)
    const { requestedAt, receivedAt } = response
    this.#window = [...this.#window, ...inputs.map((input) => ({ ...input, seenAt: receivedAt }))].slice(
      -WINDOW,
    )
    for (const { id, result } of inputs) if (result === 'refused') this.#refused.add(id)
    const finished = inputs.filter(({ isFinished }) => isFinished)
    const gone = finished.filter(isGone).length
    if (isControlGroup) this.#observeControls(requestedAt, { received: finished.length, gone })
    else if (finished.length >= CONTROLS && isReturned(gone, finished.length)) this.#acquit(requestedAt)
  }

  /**
   * Counts a web page in place of records. Returns the error that stops the run when it has had nothing else, because the
   * address leads to another server.
   *
   * @param page The response in words.
   */
  observePage(page: string): CircuitBrokenError | undefined {
    if (this.#hasRecords || ++this.#pages < PAGES_AT_LEAST) return undefined
    return new CircuitBrokenError(
      `${STOPPED} Each response is a text or a web page in place of JSON (${page}).`,
      'Correct IDENTIFAI_API_URL, or check HTTPS_PROXY and NO_PROXY.',
    )
  }

  #observeKind(response: Response): void {
    if (response.kind === 'refused') this.#refusalStatuses.add(response.status)
    if (response.kind !== 'records') return
    // The control group of refusals is no longer needed, and does not decide on absences.
    if (this.isRefusedOnly) this.#controlGroup = undefined
    this.#hasRecords = true
  }

  /** A group that was refused as a whole comes in several responses. */
  #observeControls(
    requestedAt: DatabaseTime,
    part: { readonly received: number; readonly gone: number },
  ): void {
    if (this.#controlGroup === undefined) return
    const { size, received, gone, requestedAt: first } = this.#controlGroup
    const group = {
      size,
      received: received + part.received,
      gone: gone + part.gone,
      requestedAt: first ?? requestedAt,
    }
    this.#controlGroup = group
    if (this.isRefusedOnly) return
    if (!isReturned(group.gone, size)) this.#mayHaveControls = false
    else if (group.received === size) this.#acquit(group.requestedAt)
  }

  /** Accepts the absences that were seen before finished identifiers were requested, which were returned. */
  #acquit(before: DatabaseTime): void {
    if (before > this.#acquittedBefore) this.#acquittedBefore = before
    this.#window = this.#window.filter((input) => !isGone(input) || input.seenAt >= before)
  }

  /** Returns true while there are absences or refusals that may be about the request as a whole. */
  get isInDoubt(): boolean {
    const nothingKnown =
      this.#window.length >= FINISHED_AT_LEAST &&
      this.#window.every((observation) => isGone(observation) && !observation.isFinished)
    return this.isRefusedOnly || nothingKnown || this.#absences() !== undefined
  }

  /**
   * Returns true when a control group has to be requested now. That is at the first refusal before any records, at every
   * tenth request, and before the run ends. Then counts as requested, so that no other batch requests one at the same time.
   *
   * @param requests Of the run so far.
   */
  takeTurnForControlGroup({
    requests,
    isEnd,
  }: {
    readonly requests: number
    readonly isEnd: boolean
  }): boolean {
    const isFirst = this.isRefusedOnly && this.#requestsBefore === 0
    const isTurn = isEnd || isFirst || requests - this.#requestsBefore >= REQUESTS_PER_CONTROL_GROUP
    if (!isTurn || !this.#mayHaveControls || !this.isInDoubt) return false
    this.#requestsBefore = requests
    return true
  }

  /** @param size Identifiers that were claimed for it; 0 where none is finished so far. */
  startControlGroup(size: number): void {
    this.#controlGroup = { size, received: 0, gone: 0, requestedAt: undefined }
  }

  /**
   * Returns the error that stops the run when the responses are no longer about the requested identifiers. Absences are in
   * doubt until the records of a control group are received. Where there is none, they stop the run at its end, or when they
   * fill the window.
   *
   * @param keyIsProven The API has accepted a request with this key within the last day.
   */
  check({
    keyIsProven,
    isEnd,
  }: {
    readonly keyIsProven: boolean
    readonly isEnd: boolean
  }): CircuitBrokenError | undefined {
    const hasNone = !this.#mayHaveControls || this.#controlGroup?.size === 0
    const isUndecided = hasNone && this.#window.length === WINDOW
    return (
      this.#controls() ??
      (isEnd || isUndecided ? this.#absences() : undefined) ??
      this.#changedContract() ??
      this.#refusals({ keyIsProven, isEnd })
    )
  }

  /** A group that is too small to prove it leaves the absences in doubt. */
  #controls(): CircuitBrokenError | undefined {
    const { size, gone } = this.#controlGroup ?? { size: 0, gone: 0 }
    if (this.isRefusedOnly) {
      if (gone < REFUSED_AT_LEAST) return undefined
      return new CircuitBrokenError(
        `${STOPPED} The API refuses even identifiers that it returned most recently (${gone}), and accepts no request.`,
        'Check if the path of IDENTIFAI_API_URL is wrong, or if IDENTIFAI_API_KEY is the key of another account.',
      )
    }
    if (size < FINISHED_AT_LEAST || isReturned(gone, size)) return undefined
    return new CircuitBrokenError(
      `${STOPPED} The API no longer returns ${gone} of ${size} identifiers that it returned most recently.`,
      CHECK_KEY,
    )
  }

  #absences(): CircuitBrokenError | undefined {
    const finished = this.#window.filter(({ isFinished }) => isFinished)
    const gone = finished.filter(isGone).length
    const many = gone >= MANY && gone > ABSENT_SHARE * finished.length
    const all = finished.length >= FINISHED_AT_LEAST && gone === finished.length
    if (many || all) {
      return new CircuitBrokenError(
        `${STOPPED} The API no longer returns ${gone} of ${finished.length} identifiers that it returned before.`,
        CHECK_KEY,
      )
    }
    const requested = this.#window.length
    if (requested >= MANY && this.#window.every(isGone)) {
      return new CircuitBrokenError(
        `${STOPPED} The API returns none of ${requested} identifiers.`,
        'Check IDENTIFAI_API_KEY, IDENTIFAI_API_URL, and if these identifiers were submitted. A file hash is not an identifier.',
      )
    }
    return undefined
  }

  #changedContract(): CircuitBrokenError | undefined {
    const returned = this.#window.filter((observation) => !isGone(observation))
    const numberOf = (kind: BreakerInput['result']) => returned.filter(({ result }) => result === kind).length
    const isTooMany = (number: number) => number >= MANY && number > ODD_SHARE * returned.length
    const [rejected, undocumented] = [numberOf('rejected'), numberOf('undocumented')]
    if (isTooMany(rejected)) {
      return new CircuitBrokenError(
        `${STOPPED} Too many records (${rejected} of ${returned.length}) do not fit the contract, because the API has changed.`,
        'Check for a newer identifai-sync.',
      )
    }
    if (isTooMany(undocumented)) {
      return new CircuitBrokenError(
        `${STOPPED} Too many records (${undocumented} of ${returned.length}) have a status that is not documented, because the API has changed.`,
        'Check for a newer identifai-sync.',
      )
    }
    return undefined
  }

  /**
   * Refusals are about their identifiers where the API accepts other requests. A 404 alone does not even prove that the
   * address leads to the API.
   */
  #refusals({ keyIsProven, isEnd }: { readonly keyIsProven: boolean; readonly isEnd: boolean }) {
    const refused = this.#refused.size
    const isNotFoundOnly = [...this.#refusalStatuses].every((status) => status === 404)
    const leastUnproven = isEnd && isNotFoundOnly ? 1 : REFUSED_AT_LEAST
    if (!this.isRefusedOnly || refused < (keyIsProven ? NOTHING_BUT_REFUSALS : leastUnproven))
      return undefined
    return new CircuitBrokenError(
      `${STOPPED} The API refuses every request (400, 404 or 422), also for single identifiers (${refused}).`,
      'Check IDENTIFAI_API_URL, and if these identifiers were submitted. A file hash is not an identifier.',
    )
  }
}

const STOPPED = 'The circuit breaker stopped the run, and nothing was changed for these identifiers.'
const CHECK_KEY =
  'Check if IDENTIFAI_API_KEY is the key of another account, or if IDENTIFAI_API_URL is wrong.'

/** A refused identifier is not returned either. */
function isGone({ result }: BreakerInput): boolean {
  return result === 'absent' || result === 'refused'
}

function isReturned(gone: number, size: number): boolean {
  return size - gone >= CONTROL_SHARE * size
}
