import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { z } from 'zod'
import { ConfigurationError, UsageError } from '../errors.ts'

const SSL_MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify']
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const

/** What every command that touches the database needs. */
export interface DatabaseConfig {
  readonly databaseUrl: string
  readonly logLevel: (typeof LOG_LEVELS)[number]
}

/** What a pass needs besides; README.md has the table of variables and defaults. */
export interface SyncConfig extends DatabaseConfig {
  readonly apiKey: string
  /** Base URL of the API, without a slash at its end. */
  readonly apiUrl: string
  /** Identifiers in one request, at most 100 (the API's limit). */
  readonly batchSize: number
  /** Longest request target (path and query), in bytes. */
  readonly maxUrlBytes: number
  readonly requestsPerSecond: number
  readonly requestsPerMinute: number
  /** Batches in flight at once. */
  readonly concurrency: number
  /** Time for one whole answer. */
  readonly requestTimeoutMs: number
  /** Tries after the first. */
  readonly retries: number
  /** Bound of the first retry's delay; it doubles up to a minute. */
  readonly retryBaseMs: number
  readonly leaseSeconds: number
  /** Consecutive absences that make an identifier missing. */
  readonly missingAfter: number
  /** Time after which a finished identifier is due again. */
  readonly refreshHours: number
  /** A pass that has lasted this long asks for nothing more; no limit when null. */
  readonly maxDurationMinutes: number | null
  /** Proxy for requests to an API that is not on loopback; none when null. */
  readonly httpsProxy: string | null
  /** Hosts that are asked directly all the same, separated by commas; empty for none. */
  readonly noProxy: string
}

export type Environment = Readonly<Record<string, string | undefined>>

/** Reads `.env` of the working directory below the environment itself; no file is no problem. */
export function readEnvironment(): Environment {
  try {
    const given = Object.entries(process.env).filter(([, value]) => value !== '')
    const written = parseEnv(readFileSync('.env', 'utf8'))
    if (written.NODE_EXTRA_CA_CERTS && !process.env.NODE_EXTRA_CA_CERTS) {
      throw new UsageError(
        'NODE_EXTRA_CA_CERTS has no effect in .env, because Node reads it when it starts: set it in the environment.',
      )
    }
    return { ...written, ...Object.fromEntries(given) }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return process.env
    throw new UsageError(`Cannot read .env: ${(error as Error).message}`)
  }
}

/** @throws ConfigurationError naming every variable that is wrong, never its value. */
export function parseDatabaseConfig(environment: Environment): DatabaseConfig {
  const values = parseVariables(databaseVariables, environment)
  return Object.freeze({ databaseUrl: values.DATABASE_URL, logLevel: values.LOG_LEVEL })
}

/** @throws ConfigurationError naming every variable that is wrong, never its value. */
export function parseSyncConfig(environment: Environment): SyncConfig {
  return Object.freeze(toSyncConfig(parseVariables(syncVariables, environment)))
}

/** The settings of a pass among those of whoever runs it. */
export function toSyncConfig(values: z.output<typeof syncVariables>): SyncConfig {
  return {
    databaseUrl: values.DATABASE_URL,
    logLevel: values.LOG_LEVEL,
    apiKey: values.IDENTIFAI_API_KEY,
    apiUrl: values.IDENTIFAI_API_URL,
    batchSize: values.SYNC_BATCH_SIZE,
    maxUrlBytes: values.SYNC_MAX_URL_BYTES,
    requestsPerSecond: values.SYNC_REQUESTS_PER_SECOND,
    requestsPerMinute: values.SYNC_REQUESTS_PER_MINUTE,
    concurrency: values.SYNC_CONCURRENCY,
    requestTimeoutMs: values.SYNC_REQUEST_TIMEOUT_MS,
    retries: values.SYNC_RETRIES,
    retryBaseMs: values.SYNC_RETRY_BASE_MS,
    leaseSeconds: values.SYNC_LEASE_SECONDS,
    missingAfter: values.SYNC_MISSING_AFTER,
    refreshHours: values.SYNC_REFRESH_HOURS,
    maxDurationMinutes: values.SYNC_MAX_DURATION_MINUTES ?? null,
    httpsProxy: values.HTTPS_PROXY ?? null,
    noProxy: values.NO_PROXY,
  }
}

const databaseVariables = z.object({
  DATABASE_URL: required(
    'the PostgreSQL connection string, such as postgresql://user:password@host:5432/name',
  )
    .refine(hasPlainAuthority, {
      error:
        'has a character in its user or password that must be percent-encoded (@ is %40, / is %2F, # is %23)',
      abort: true,
    })
    .refine(isPostgresUrl, {
      error: 'must be a PostgreSQL connection string, such as postgresql://user:password@host:5432/name',
      abort: true,
    })
    .refine(hasKnownSslMode, { error: `has an unknown sslmode: it is one of ${SSL_MODES.join(', ')}` }),
  LOG_LEVEL: z.enum(LOG_LEVELS, { error: `must be one of ${LOG_LEVELS.join(', ')}` }).default('info'),
})

export const syncVariables = databaseVariables.extend({
  IDENTIFAI_API_KEY: required('your identifAI API key').refine(isHeaderValue, {
    error: 'must be printable ASCII without spaces or line breaks, as an HTTP header needs',
  }),
  IDENTIFAI_API_URL: z
    .string()
    .default('https://backend.identifai.net/api')
    .refine(isApiUrl, {
      error: 'must be an https URL without query or credentials (http is accepted for a loopback host only)',
    })
    .transform((url) => url.replace(/\/+$/, '')),
  SYNC_BATCH_SIZE: integer(1, 100).default(100),
  SYNC_MAX_URL_BYTES: integer(200, 1_000_000).default(8000),
  SYNC_REQUESTS_PER_SECOND: rate().default(2),
  SYNC_REQUESTS_PER_MINUTE: rate().default(60),
  SYNC_CONCURRENCY: integer(1, 64).default(2),
  SYNC_REQUEST_TIMEOUT_MS: integer(1, 3_600_000).default(30_000),
  SYNC_RETRIES: integer(0, 100).default(5),
  SYNC_RETRY_BASE_MS: integer(1, 60_000).default(1000),
  SYNC_LEASE_SECONDS: integer(2, 86_400).default(120),
  SYNC_MISSING_AFTER: integer(1, 1000).default(5),
  SYNC_REFRESH_HOURS: integer(1, 8760).default(12),
  SYNC_MAX_DURATION_MINUTES: integer(1, 10_080).optional(),
  HTTPS_PROXY: z
    .string()
    .refine(isHttpUrl, { error: 'must be the URL of a proxy, such as http://proxy.example:3128' })
    .optional(),
  NO_PROXY: z.string().default(''),
})

const SECRETS = ['DATABASE_URL', 'IDENTIFAI_API_KEY']

/** Whose names are written in small letters, too, by convention. */
const PROXY_VARIABLES = ['HTTPS_PROXY', 'NO_PROXY']

/** @throws ConfigurationError naming every variable that is wrong, never its value. */
export function parseVariables<T extends z.ZodObject>(variables: T, environment: Environment): z.output<T> {
  const problems: string[] = []
  const given: Record<string, string> = {}
  for (const name of Object.keys(variables.shape)) {
    const value = SECRETS.includes(name) ? secret(name, environment, problems) : plain(name, environment)
    // VARIABLE= in an env file means not set.
    if (value !== undefined && value !== '') given[name] = value
  }
  const result = variables.safeParse(given)
  if (!result.success) {
    const unread = (issue: z.core.$ZodIssue) =>
      problems.some((problem) => problem.startsWith(`${String(issue.path[0])}_FILE`))
    problems.push(...result.error.issues.filter((issue) => !unread(issue)).map(describe))
  }
  if (problems.length > 0 || !result.success) throw new ConfigurationError([...new Set(problems)])
  return result.data
}

function plain(name: string, environment: Environment): string | undefined {
  return environment[name] ?? (PROXY_VARIABLES.includes(name) ? environment[name.toLowerCase()] : undefined)
}

/** A secret stands in the variable itself, or in the file that VARIABLE_FILE names. */
function secret(name: string, environment: Environment, problems: string[]): string | undefined {
  const file = environment[`${name}_FILE`]
  if (!file) return environment[name]
  if (environment[name]) problems.push(`${name} and ${name}_FILE are both set: keep one`)
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    problems.push(`${name}_FILE ${code === 'ENOENT' ? 'names no file' : `cannot be read (${code})`}: ${file}`)
    return environment[name]
  }
}

function describe(issue: z.core.$ZodIssue): string {
  return `${String(issue.path[0])} ${issue.message}`
}

function required(what: string) {
  return z.string({ error: `is not set: give ${what}` })
}

export function integer(least: number, most: number) {
  const range = `must be a whole number from ${least} to ${most}`
  return z
    .string()
    .regex(/^\d+$/, { error: range, abort: true })
    .transform(Number)
    .refine((value) => value >= least && value <= most, { error: range })
}

function rate() {
  const range = 'must be a number above 0'
  return z
    .string()
    .regex(/^\d+(\.\d+)?$/, { error: range, abort: true })
    .transform(Number)
    .refine((value) => value > 0, { error: range })
}

function isPostgresUrl(text: string): boolean {
  return URL.canParse(text) && ['postgres:', 'postgresql:'].includes(new URL(text).protocol)
}

function hasKnownSslMode(text: string): boolean {
  const mode = new URL(text).searchParams.get('sslmode')
  return mode === null || SSL_MODES.includes(mode)
}

/** A password with a raw `@`, `/` or `#` in it makes another host of its rest. */
function hasPlainAuthority(text: string): boolean {
  return !text.includes('#') && (text.split('?')[0] ?? '').split('@').length <= 2
}

function isHeaderValue(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text)
}

function isApiUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  if (url.search || url.hash || url.username || url.password) return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
}

/** Whether a host name, as a URL has it, is this machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host)
}
