import { type Kysely, sql } from 'kysely'
import { ENDPOINTS } from '../../media/registry.ts'
import { targetBytes, targetPathBytes } from '../../pipeline/api/request.ts'
import type { SyncConfig } from '../../platform/config/config.ts'
import { parseDaemonConfig } from '../../platform/config/daemon-config.ts'
import type { Environment } from '../../platform/config/environment.ts'
import { ConfigurationError, EXIT_CODE } from '../../platform/errors.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { failed, ok, type Result, warning } from './finding.ts'

/**
 * Checks that the environment has all settings of a run and of the daemon, and reports its unknown variables. The
 * configuration is undefined when a setting is wrong.
 */
export function checkConfiguration(
  environment: Environment,
  unknownVariables: readonly string[],
): {
  readonly config: SyncConfig | undefined
  readonly results: Result[]
} {
  const unknown = unknownVariables.map((variable) =>
    warning(
      `A variable is unknown, so it has no effect: ${variable}`,
      'Correct its name, or remove it. identifai-sync --help lists every variable.',
    ),
  )
  try {
    const config = parseDaemonConfig(environment)
    return { config, results: [ok(`Requests go to ${config.apiUrl}.`), ...unknown] }
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    const problems = error.problems.map((problem) =>
      failed(`${problem}.`, 'Correct it. identifai-sync --help lists every variable.', EXIT_CODE.usage),
    )
    return { config: undefined, results: [...problems, ...unknown] }
  }
}

/** Length of an identifier in the format of identifAI: 64 hex digits. */
const DEFAULT_IDENTIFIER_BYTES = 64

/**
 * Checks that a full batch fits one request, for the mean length of the tracked identifiers. Without a database, because
 * they cannot be read, the default length counts.
 */
export async function checkRequestSize(config: SyncConfig, db: Kysely<Database> | null): Promise<Result> {
  const bytes = (db && (await meanIdentifierBytes(db))) ?? DEFAULT_IDENTIFIER_BYTES
  const pathBytes = Math.max(...ENDPOINTS.map(({ path }) => targetPathBytes(config.apiUrl, path)))
  const fitting = Math.floor((config.maxUrlBytes - pathBytes) / targetBytes('x'.repeat(Math.round(bytes))))
  const size = Math.round(bytes)
  if (fitting >= config.batchSize) {
    return ok(`A full batch of ${config.batchSize} identifiers of ${size} bytes fits one request.`)
  }
  return warning(
    `Only ${fitting} of ${config.batchSize} identifiers of ${size} bytes fit one request, so part of the quota is wasted.`,
    'Raise SYNC_MAX_URL_BYTES if the API accepts longer requests. Run doctor --probe to find out.',
  )
}

async function meanIdentifierBytes(db: Kysely<Database>): Promise<number | null> {
  const { rows } = await sql<{ bytes: number | null }>`
    select avg(octet_length(identifier))::double precision as bytes
    from (select identifier from identifai.identifiers limit 10000) as tracked`.execute(db)
  return rows[0]?.bytes ?? null
}
