import { createHash } from 'node:crypto'
import { isJsonObject, type Json, type JsonObject } from '../../platform/json.ts'
import { createDraw, type Draw } from './draw.ts'
import { type ForcedLabel, recordOf, type Submission } from './submission.ts'

export interface WorldOptions {
  /** The same seed gives the same world, record for record. */
  readonly seed: number
  /** Asks that find a submission unfinished: each draws from 0 to this. */
  readonly requestsUntilDone: number
  /** Milliseconds after registration during which it is unfinished. */
  readonly millisecondsUntilDone: number
  /** Serves the lists of a record in another order at every ask. */
  readonly shuffle: boolean
}

export interface Registration {
  /** As they are to be called; more are made up until there are `count`. */
  readonly identifiers?: readonly string[]
  readonly count?: number
  /** Overrides the draw of how analyses end. */
  readonly result?: Submission['result']
}

const DEFAULTS: WorldOptions = { seed: 1, requestsUntilDone: 2, millisecondsUntilDone: 0, shuffle: false }

/** One in this many submissions is of the same file as the one before it. */
const SAME_FILE_EVERY = 12

/** What the API would know: the submissions, how far they are, and what was forced. No I/O; the clock is passed in. */
export class World {
  readonly options: { -readonly [K in keyof WorldOptions]: WorldOptions[K] }
  readonly #submissions = new Map<string, Submission>()
  readonly #forced = new Map<string, ForcedLabel>()
  readonly #hidden = new Set<string>()
  /** The heuristic of the account; its main verdicts follow it. */
  defaultHeuristic = 'Majority'
  readonly #now: () => number
  #asks = 0
  #lastHash: string | undefined

  constructor(options: Partial<WorldOptions> = {}, now: () => number = Date.now) {
    this.options = { ...DEFAULTS, ...options }
    this.#now = now
  }

  /** Adds submissions and returns their identifiers. One that exists already stays as it is. */
  register({ identifiers = [], count = identifiers.length, result }: Registration): string[] {
    const made = Array.from({ length: Math.max(0, count - identifiers.length) }, (_, position) =>
      sha256('identifier', this.options.seed, this.#submissions.size + position),
    )
    const all = [...identifiers, ...made]
    for (const identifier of all) {
      if (!this.#submissions.has(identifier))
        this.#submissions.set(identifier, this.#submit(identifier, result))
    }
    return all
  }

  get identifiers(): string[] {
    return [...this.#submissions.keys()]
  }

  /** The hash of the file that was submitted under an identifier. */
  hashOf(identifier: string): string | undefined {
    return this.#submissions.get(identifier)?.hash
  }

  /** One record of an answer; it brings an unfinished analysis one ask nearer to its end. */
  answer(identifier: string): JsonObject | undefined {
    const submission = this.#submissions.get(identifier)
    if (!submission || this.#hidden.has(identifier)) return undefined
    const record = this.#record(submission)
    if (submission.requestsLeft > 0) submission.requestsLeft--
    this.#asks++
    return this.options.shuffle
      ? shuffled(record, createDraw('order', this.options.seed, this.#asks))
      : record
  }

  /** The record as the next ask would find it, without asking. */
  truth(identifier: string): JsonObject | undefined {
    const submission = this.#submissions.get(identifier)
    return submission && this.#record(submission)
  }

  /** Forces every submission of a file; false when there is none. */
  override(hash: string, label: ForcedLabel): boolean {
    if (![...this.#submissions.values()].some((submission) => submission.hash === hash)) return false
    this.#forced.set(hash, label)
    return true
  }

  /** Runs the analysis of a submission again: so many asks find it unfinished. */
  reanalyse(identifier: string, asks: number): void {
    const submission = this.#submissions.get(identifier)
    if (submission) submission.requestsLeft = asks
  }

  /** Leaves a submission out of answers from now on, or no longer. */
  hide(identifier: string, isHidden: boolean): void {
    if (isHidden) this.#hidden.add(identifier)
    else this.#hidden.delete(identifier)
  }

  /** Ends every analysis that is still running. */
  completeAll(): void {
    for (const [identifier, submission] of this.#submissions) {
      this.#submissions.set(identifier, { ...submission, requestsLeft: 0, readyAt: 0 })
    }
  }

  #submit(identifier: string, result: Submission['result'] | undefined): Submission {
    const { seed, requestsUntilDone, millisecondsUntilDone } = this.options
    const draw = createDraw('submission', seed, identifier)
    const position = this.#submissions.size
    const isCopy = position % SAME_FILE_EVERY === SAME_FILE_EVERY - 1
    const hash = (isCopy && this.#lastHash) || sha256('file', seed, identifier)
    this.#lastHash = hash
    // C2PA signatures force some files when they are submitted.
    if (!isCopy && draw.chance(0.02)) this.#forced.set(hash, 'artificial')
    const drawnFate = result ?? (draw.chance(0.03) ? 'errored' : 'done')
    return {
      identifier,
      hash,
      result: drawnFate,
      // Before v1.1.0 there was no way to say that an analysis had failed.
      legacy: drawnFate === 'done' && draw.chance(0.05),
      requestsLeft: requestsUntilDone === 0 ? 0 : draw.integer(0, requestsUntilDone),
      readyAt: this.#now() + millisecondsUntilDone,
    }
  }

  #record(submission: Submission): JsonObject {
    const finished = submission.requestsLeft === 0 && this.#now() >= submission.readyAt
    const force = this.#forced.get(submission.hash) ?? null
    return recordOf(this.options.seed, submission, { finished, force, heuristic: this.defaultHeuristic })
  }
}

function sha256(...parts: readonly (string | number)[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('hex')
}

/** The same record with every list, and the members of every object, in another order. */
function shuffled(record: JsonObject, draw: Draw): JsonObject {
  const rearrange = (value: Json): Json => {
    if (Array.isArray(value)) return draw.shuffle(value.map(rearrange))
    if (!isJsonObject(value)) return value
    return Object.fromEntries(
      draw.shuffle(Object.entries(value)).map(([key, member]) => [key, rearrange(member)]),
    )
  }
  return rearrange(record) as JsonObject
}
