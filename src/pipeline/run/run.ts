import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { Pool } from 'pg'
import type { SyncConfig } from '../../platform/config/config.ts'
import type { Database } from '../../platform/postgres/database.ts'
import type { Endpoint } from '../../media/endpoint.ts'
import type { ApiClient } from '../api/api-client.ts'
import type { Claim } from '../queue/claim.ts'
import type { Quota } from '../api/quota.ts'
import type { Telemetry } from '../../platform/telemetry.ts'
import type { Breaker } from './breaker.ts'
import type { HeldOutcomes } from './held-outcomes.ts'
import type { Tally } from './tally.ts'

/** What a pass works with; the composition root makes it. */
export interface RunTools {
  readonly config: SyncConfig
  readonly db: Kysely<Database>
  readonly pool: Pool
  readonly logger: Logger
  readonly endpoint: Endpoint
  readonly api: ApiClient
  readonly quota: Quota
  readonly telemetry: Telemetry
}

/** What one request of a pass may hold; a pass lowers it when the API says that a request was too long. */
export interface Packing {
  maxUrlBytes: number
}

/** One pass under way. */
export interface Run extends RunTools {
  readonly runId: string
  readonly signal: AbortSignal
  readonly tally: Tally
  readonly packing: Packing
  readonly breaker: Breaker
  readonly held: HeldOutcomes
  /** Finished identifiers that may still be asked for as a control. */
  controlsLeft: number
  /** Claims that wait for a request that has room for them. */
  waiting: readonly Claim[]
  /** Bytes of a request target before the query. */
  readonly targetPathBytes: number
  /** `Date` headers of the first and the last answer. */
  readonly httpDates: { first: Date | null; last: Date | null }
}
