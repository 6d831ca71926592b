import type { Environment } from './config.ts'

/** Every variable that is read; the suite holds the list against what the parsers take. */
export const VARIABLES: ReadonlySet<string> = new Set([
  'DATABASE_URL',
  'DATABASE_URL_FILE',
  'IDENTIFAI_API_KEY',
  'IDENTIFAI_API_KEY_FILE',
  'IDENTIFAI_API_URL',
  'SYNC_BATCH_SIZE',
  'SYNC_MAX_URL_BYTES',
  'SYNC_REQUESTS_PER_SECOND',
  'SYNC_REQUESTS_PER_MINUTE',
  'SYNC_CONCURRENCY',
  'SYNC_REQUEST_TIMEOUT_MS',
  'SYNC_RETRIES',
  'SYNC_RETRY_BASE_MS',
  'SYNC_LEASE_SECONDS',
  'SYNC_MISSING_AFTER',
  'SYNC_REFRESH_HOURS',
  'SYNC_MAX_DURATION_MINUTES',
  'SYNC_SCHEDULE',
  'SYNC_FRESH_SCHEDULE',
  'SYNC_TIMEZONE',
  'HTTP_HOST',
  'HTTP_PORT',
  'HTTP_READY_MAX_AGE_HOURS',
  'HTTPS_PROXY',
  'NO_PROXY',
  'LOG_LEVEL',
])

/** Names that look like ours and are not: most often slips, which leave a default in force that nobody wanted. */
export function unknownVariables(environment: Environment): string[] {
  return Object.keys(environment)
    .filter((name) => /^(SYNC|IDENTIFAI|HTTP_READY)_/.test(name) && !VARIABLES.has(name))
    .toSorted()
}
