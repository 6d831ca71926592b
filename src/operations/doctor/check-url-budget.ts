import { type Kysely, sql } from 'kysely'
import type { SyncConfig } from '../../platform/config/config.ts'
import type { Database } from '../../platform/postgres/database.ts'
import type { Endpoint } from '../../media/endpoint.ts'
import { targetBytes, targetPathBytes } from '../../pipeline/api/request.ts'
import { type Finding, ok, warning } from './finding.ts'

/** Length of an identifier as identifAI gives them. */
const USUAL_BYTES = 64

/** How many identifiers fit a request: of the length that those tracked have, or else of the usual one. */
export async function checkUrlBudget(
  db: Kysely<Database> | null,
  config: SyncConfig,
  endpoint: Endpoint,
): Promise<Finding> {
  const bytes = (db && (await meanBytes(db))) ?? USUAL_BYTES
  const room = config.maxUrlBytes - targetPathBytes(config.apiUrl, endpoint.path)
  const fitting = Math.floor(room / targetBytes('x'.repeat(Math.round(bytes))))
  const found = `${Math.min(fitting, config.batchSize)} identifiers of ${Math.round(bytes)} bytes go into one request.`
  if (fitting >= config.batchSize) return ok('requests', found)
  return warning(
    'requests',
    `${found} SYNC_BATCH_SIZE allows ${config.batchSize}: part of the quota is wasted.`,
    'Raise SYNC_MAX_URL_BYTES if the way to the API allows longer requests; doctor --probe shows whether it does.',
  )
}

async function meanBytes(db: Kysely<Database>): Promise<number | null> {
  const { rows } = await sql<{ bytes: number | null }>`
    select avg(octet_length(identifier))::double precision as bytes
    from (select identifier from identifai.identifiers limit 10000) as tracked`.execute(db)
  return rows[0]?.bytes ?? null
}
