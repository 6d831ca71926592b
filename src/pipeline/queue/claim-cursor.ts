import type { Kysely } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import { type Claim, type ClaimOptions, claimDue, type DueClaim, type Place, startOfClaims } from './claim.ts'

/** Rows can become due before the places of a cursor; they are found after this time at the latest. */
const FROM_START_EVERY_MS = 60_000

/** The places of usual claims, and of deferred ones: those with a request limit, and withheld ones. */
interface Places {
  usual: readonly Place[]
  deferred: readonly Place[]
}

export interface ClaimCursorOptions extends Omit<ClaimOptions, 'deferredToo' | 'limit' | 'places'> {
  /** Claims nothing of a lower priority. */
  readonly leastPriority: number
  /** Milliseconds of a clock that is never set. */
  readonly clock: () => number
}

/**
 * Claims the due identifiers of one medium for one run, each time after the last claim. Identifiers with a
 * request limit and withheld ones come last, because their requests are the most likely to fail again.
 *
 * While another transaction holds an old snapshot, PostgreSQL keeps the index entries of all rows requested since. A claim
 * from the start reads over them, and the places of the cursor save this. Nothing else depends on the places. Rows become
 * due before them, too: enqueued or released by others, after a lease, by a refresh request. So a claim from the start
 * follows every minute, and before the cursor reports that nothing is due.
 */
export class ClaimCursor {
  readonly #db: Kysely<Database>
  readonly #options: ClaimCursorOptions
  #places: Places | undefined
  #startedAt = Number.NEGATIVE_INFINITY

  constructor(db: Kysely<Database>, options: ClaimCursorOptions) {
    this.#db = db
    this.#options = options
  }

  /** At most `limit` claims, highest priority and longest due first; empty when nothing is due. */
  async next(limit: number): Promise<Claim[]> {
    const { clock } = this.#options
    if (this.#places !== undefined && clock() - this.#startedAt < FROM_START_EVERY_MS) {
      const claims = await this.#claim(this.#places, limit)
      if (claims.length > 0) return claims
    }
    this.#startedAt = clock()
    const start = await startOfClaims(this.#db, this.#options)
    this.#places = { usual: start, deferred: start }
    return this.#claim(this.#places, limit)
  }

  async #claim(places: Places, limit: number): Promise<Claim[]> {
    for (const kind of ['usual', 'deferred'] as const) {
      const options = { ...this.#options, limit, deferredToo: kind === 'deferred', places: places[kind] }
      const claims = await claimDue(this.#db, options)
      places[kind] = placesAfter(places[kind], claims)
      if (claims.length > 0) return claims
    }
    return []
  }
}

/** A priority above the lowest claimed one had nothing more that was due then. */
function placesAfter(places: readonly Place[], claims: readonly DueClaim[]): readonly Place[] {
  const last = claims.at(-1)
  if (last === undefined) return places
  return places.map((place) => {
    if (place.priority > last.priority) return { ...place, dueAt: last.claimedAt, id: 0 }
    return place.priority === last.priority ? last : place
  })
}
