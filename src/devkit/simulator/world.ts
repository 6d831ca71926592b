import { createHash } from 'node:crypto'
import { z } from 'zod'
import { createDraw, type Draw } from './draw.ts'
import { type ForcedLabel, type Json, type JsonObject, recordOf, type Submission } from './record.ts'

/** Submissions to register: the given identifiers, and invented ones until there are `count`. */
export const registration = z.strictObject({
  identifiers: z.array(z.string().min(1)).exactOptional(),
  count: z.int().min(0).max(1_000_000).exactOptional(),
  /** How the analyses end; drawn when absent. */
  outcome: z.enum(['done', 'errored']).exactOptional(),
})

const DEFAULTS = {
  /** The same seed leads to the same records. */
  seed: 1,
  /** Upper bound of the requests that find a submission unfinished. Each submission draws a number from 0 to this. */
  requestsUntilDone: 2,
  /** Milliseconds after its registration in which a submission is unfinished. */
  millisecondsUntilDone: 0,
  /** Returns the lists of a record in another order at each request. */
  shuffle: false,
}

export type WorldOptions = typeof DEFAULTS

/** One in this many submissions has the same file as the one before it. */
const SAME_FILE_EVERY = 12

/** The state of the simulated API: submissions, their progress, and forced labels. Has no I/O; the clock is passed in. */
export class World {
  readonly options: WorldOptions
  readonly #submissions = new Map<string, Submission>()
  readonly #forced = new Map<string, ForcedLabel>()
  readonly #hidden = new Set<string>()
  /** The default heuristic of the account, which selects the main verdicts. */
  defaultHeuristic = 'Majority'
  readonly #now: () => number
  #requests = 0
  #lastHash: string | undefined

  constructor(options: Partial<WorldOptions> = {}, now: () => number = Date.now) {
    this.options = { ...DEFAULTS, ...options }
    this.#now = now
  }

  /** Adds submissions and returns their identifiers. Existing submissions stay unchanged. */
  register({
    identifiers = [],
    count = identifiers.length,
    outcome,
  }: z.output<typeof registration>): string[] {
    const invented = Array.from({ length: Math.max(0, count - identifiers.length) }, (_, position) =>
      sha256('identifier', this.options.seed, this.#submissions.size + position),
    )
    const all = [...identifiers, ...invented]
    for (const identifier of all) {
      if (!this.#submissions.has(identifier))
        this.#submissions.set(identifier, this.#submit(identifier, outcome))
    }
    return all
  }

  get identifiers(): string[] {
    return [...this.#submissions.keys()]
  }

  /** Returns the hash of a submission's file; undefined when the identifier is unknown. */
  hashOf(identifier: string): string | undefined {
    return this.#submissions.get(identifier)?.hash
  }

  /** Returns a record of a response, and brings an unfinished analysis one request closer to its end. */
  respond(identifier: string): JsonObject | undefined {
    const submission = this.#submissions.get(identifier)
    if (!submission || this.#hidden.has(identifier)) return undefined
    const record = this.#record(submission)
    if (submission.requestsLeft > 0) submission.requestsLeft--
    this.#requests++
    return this.options.shuffle
      ? shuffled(record, createDraw('order', this.options.seed, this.#requests))
      : record
  }

  /** Returns the present record without a request, in its own order. */
  truth(identifier: string): JsonObject | undefined {
    const submission = this.#submissions.get(identifier)
    return submission && this.#record(submission)
  }

  /** Forces the label of every submission of a file. Returns false when there is none. */
  override(hash: string, label: ForcedLabel): boolean {
    if (![...this.#submissions.values()].some((submission) => submission.hash === hash)) return false
    this.#forced.set(hash, label)
    return true
  }

  /** Starts the analysis of a submission again. The given number of requests find it unfinished. */
  reanalyze(identifier: string, requests: number): void {
    const submission = this.#submissions.get(identifier)
    if (submission) submission.requestsLeft = requests
  }

  /** Leaves a submission out of responses, or includes it again. */
  hide(identifier: string, isHidden: boolean): void {
    if (isHidden) this.#hidden.add(identifier)
    else this.#hidden.delete(identifier)
  }

  /** Ends every unfinished analysis. */
  completeAll(): void {
    for (const [identifier, submission] of this.#submissions) {
      this.#submissions.set(identifier, { ...submission, requestsLeft: 0, readyAt: 0 })
    }
  }

  #submit(identifier: string, outcome: Submission['outcome'] | undefined): Submission {
    const { seed, requestsUntilDone, millisecondsUntilDone } = this.options
    const draw = createDraw('submission', seed, identifier)
    const position = this.#submissions.size
    const isCopy = position % SAME_FILE_EVERY === SAME_FILE_EVERY - 1
    const hash = (isCopy && this.#lastHash) || sha256('file', seed, identifier)
    this.#lastHash = hash
    // A C2PA signature forces the label of some files on submission.
    if (!isCopy && draw.chance(0.02)) this.#forced.set(hash, 'artificial')
    const drawnOutcome = outcome ?? (draw.chance(0.03) ? 'errored' : 'done')
    return {
      identifier,
      hash,
      outcome: drawnOutcome,
      // Before v1.1.0 the API had no status for a failed analysis.
      legacy: drawnOutcome === 'done' && draw.chance(0.05),
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

/** Returns the record with every list, and the members of every object, in another order. */
function shuffled(record: JsonObject, draw: Draw): JsonObject {
  const shuffle = (value: Json): Json => {
    if (Array.isArray(value)) return draw.shuffle(value.map(shuffle))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      draw.shuffle(Object.entries(value)).map(([key, member]) => [key, shuffle(member)]),
    )
  }
  return shuffle(record) as JsonObject
}
