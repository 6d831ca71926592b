import type { Kysely } from 'kysely'
import type { ConnectionPool } from '../../platform/postgres/connect.ts'
import type { Logger } from '../../platform/logger.ts'
import type { SyncConfig } from '../../platform/config/config.ts'
import type { Database } from '../../platform/postgres/database.ts'
import type { Telemetry } from '../../platform/telemetry.ts'
import type { Signer } from '../seal/checkpoint.ts'
import type { ApiClient } from '../api/client.ts'
import type { Quota } from '../api/quota.ts'
import type { Endpoint } from '../../media/endpoint.ts'
import type { Claim } from '../queue/claim.ts'
import type { CircuitBreaker } from './rules/circuit-breaker.ts'
import type { HeldOutcomes } from './rules/held-outcomes.ts'
import type { Tally } from './rules/tally.ts'

/** The parts that a run works with; the composition root creates them. */
export interface RunTools {
  readonly config: SyncConfig
  readonly db: Kysely<Database>
  readonly pool: ConnectionPool
  readonly logger: Logger
  readonly api: ApiClient
  readonly quota: Quota
  readonly telemetry: Telemetry
  /** Signs the head of the chain; null when no key is configured. */
  readonly signer: Signer | null
}

/** One run in progress. */
export interface Run extends RunTools {
  readonly runId: string
  readonly signal: AbortSignal
  readonly tally: Tally
  /** One for each medium, because the address of one may be wrong. */
  readonly breakers: ReadonlyMap<Endpoint, CircuitBreaker>
  readonly held: HeldOutcomes
  /** The end of the last control group of a medium. */
  readonly controlGroups: Map<Endpoint, Promise<void>>
  /** Longest request target in bytes; lowered when the API refuses a request as too long. */
  maxUrlBytes: number
  /** Claims that are not in a request yet. */
  waiting: readonly Claim[]
  /** `Date` headers of the first and the last response. */
  readonly httpDates: { first: Date | null; last: Date | null }
}
