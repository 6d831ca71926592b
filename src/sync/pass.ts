import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { Pool } from 'pg'
import type { SyncConfig } from '../config.ts'
import type { Database } from '../db/database.ts'
import type { Endpoint } from '../endpoint.ts'
import type { ApiClient } from '../extract/api-client.ts'
import type { Quota } from '../extract/quota.ts'
import type { Tally } from './tally.ts'

/** What a pass works with; the composition root makes it. */
export interface PassTools {
  readonly config: SyncConfig
  readonly db: Kysely<Database>
  readonly pool: Pool
  readonly logger: Logger
  readonly endpoint: Endpoint
  readonly api: ApiClient
  readonly quota: Quota
}

/** One pass under way. */
export interface Pass extends PassTools {
  readonly runId: string
  readonly signal: AbortSignal
  readonly tally: Tally
  /** `Date` headers of the first and the last answer. */
  readonly httpDates: { first: Date | null; last: Date | null }
}
