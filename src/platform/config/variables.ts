const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const

/** The form of a value; config.ts and daemon-config.ts have the parser of each kind. */
export type Form =
  | {
      readonly kind:
        | 'text'
        | 'databaseUrl'
        | 'headerValue'
        | 'apiUrl'
        | 'proxyUrl'
        | 'timeZone'
        | 'rate'
        | 'signingKey'
        | 'url'
        | 'urls'
        | 'webhookSecret'
    }
  | { readonly kind: 'integer'; readonly least: number; readonly most: number }
  | { readonly kind: 'oneOf'; readonly values: readonly string[] }
  /**
   * Accepted numbers of fields: five are minute, hour, day, month and weekday; a sixth in front is the second. Where it is
   * optional, `off` means never.
   */
  | { readonly kind: 'cron'; readonly fields: readonly number[]; readonly optional?: true }

interface Variable {
  readonly form: Form
  /** As it would be written; null for no value. Absent for a required variable, with a hint at its value in its place. */
  readonly default?: string | null
  readonly hint?: string
  readonly description: string
  /** A run does not read it. */
  readonly notOfRuns?: true
  /** The value can be in a file instead, which VARIABLE_FILE names. */
  readonly secret?: true
  /** By convention, the name is also valid in lower case. */
  readonly lowerCaseToo?: true
}

const integer = (least: number, most: number) => ({ kind: 'integer', least, most }) as const

/**
 * Every environment variable that is read: its form, its default and its description. The parsers, the types of the
 * configuration, `--help`, docs/reference.md and the warning about unknown names derive from this list. It is plain data, so
 * that `--help` loads no package for it.
 */
export const VARIABLES = {
  DATABASE_URL: {
    form: { kind: 'databaseUrl' },
    hint: 'the PostgreSQL connection string, such as postgresql://user:password@host:5432/name, or set PGHOST, PGUSER, PGPASSWORD and PGDATABASE',
    secret: true,
    description: 'PostgreSQL: postgresql://user:password@host:5432/name, or PGHOST and others',
  },
  IDENTIFAI_API_KEY: {
    form: { kind: 'headerValue' },
    hint: 'your identifAI API key',
    secret: true,
    description: 'API key, for sync, schedule, doctor, plan and replay',
  },
  IDENTIFAI_API_URL: {
    form: { kind: 'apiUrl' },
    default: 'https://backend.identifai.net/api',
    description: 'base URL of the API: https, or http on loopback',
  },
  SYNC_BATCH_SIZE: {
    form: integer(1, 100),
    default: '100',
    description: 'identifiers in a request, at most 100',
  },
  SYNC_MAX_URL_BYTES: {
    form: integer(200, 1_000_000),
    default: '8000',
    description: 'longest URL of a request, without the host, in bytes',
  },
  SYNC_REQUESTS_PER_SECOND: {
    form: { kind: 'rate' },
    default: '2',
    description: 'requests a second that the quota of the key allows',
  },
  SYNC_REQUESTS_PER_MINUTE: {
    form: { kind: 'rate' },
    default: '60',
    description: 'requests a minute that the quota of the key allows',
  },
  SYNC_CONCURRENCY: {
    form: integer(1, 64),
    default: '2',
    description: 'batches in progress at the same time',
  },
  SYNC_REQUEST_TIMEOUT_MS: {
    form: integer(1, 3_600_000),
    default: '30000',
    description: 'time limit for a whole response',
  },
  SYNC_RETRIES: {
    form: integer(0, 100),
    default: '5',
    description: 'attempts of a request after the first one fails',
  },
  SYNC_RETRY_BASE_MS: {
    form: integer(1, 60_000),
    default: '1000',
    description: 'upper bound of the first random delay; it doubles up to a minute',
  },
  SYNC_LEASE_SECONDS: {
    form: integer(2, 86_400),
    default: '120',
    description: 'time after which the identifiers of a dead process are released',
  },
  SYNC_MISSING_AFTER: {
    form: integer(1, 1000),
    default: '5',
    description: 'absences in a row after which an identifier is missing',
  },
  SYNC_RETIRE_MISSING_DAYS: {
    form: integer(1, 36_500),
    default: null,
    description: 'days after which a missing identifier that had a result is retired',
  },
  SYNC_REFRESH_HOURS: {
    form: integer(1, 8760),
    default: '12',
    description: 'hours until a finished identifier is due again',
  },
  SYNC_MAX_DURATION_MINUTES: {
    form: integer(1, 10_080),
    default: null,
    description: 'time limit of a run; after it the run claims nothing more',
  },
  SEAL_SIGNING_KEY: {
    form: { kind: 'signingKey' },
    default: null,
    secret: true,
    description: 'Ed25519 private key in PEM, which signs the chain head of each run',
  },
  SEAL_TIMESTAMP_URL: {
    form: { kind: 'urls' },
    default: '',
    secret: true,
    description: 'time-stamping authorities (RFC 3161) for chain heads: comma-separated URLs',
  },
  MAINTENANCE_DATABASE_URL: {
    form: { kind: 'databaseUrl' },
    default: null,
    notOfRuns: true,
    secret: true,
    description: 'PostgreSQL for prune and redact, with a role of its own, or DATABASE_URL',
  },
  PAYLOAD_RETENTION_DAYS: {
    form: integer(1, 36_500),
    default: null,
    notOfRuns: true,
    description: 'days to keep superseded payloads; needs MAINTENANCE_DATABASE_URL',
  },
  SYNC_SCHEDULE: {
    form: { kind: 'cron', fields: [5] },
    default: '0 2 * * *',
    notOfRuns: true,
    description: 'cron expression of nightly runs',
  },
  SYNC_FRESH_SCHEDULE: {
    form: { kind: 'cron', fields: [5, 6] },
    default: '* * * * *',
    notOfRuns: true,
    description: 'cron expression of fresh runs, optionally with the seconds in front',
  },
  SYNC_VERIFY_SCHEDULE: {
    form: { kind: 'cron', fields: [5], optional: true },
    default: '0 12 * * 0',
    notOfRuns: true,
    description: 'cron expression of verifications of the whole database; off for none',
  },
  SYNC_TIMEZONE: {
    form: { kind: 'timeZone' },
    default: 'UTC',
    notOfRuns: true,
    description: 'time zone of the schedules',
  },
  HTTP_HOST: {
    form: { kind: 'text' },
    default: '127.0.0.1',
    notOfRuns: true,
    description: 'address on which the daemon serves health and metrics',
  },
  HTTP_PORT: {
    form: integer(0, 65_535),
    default: '9464',
    notOfRuns: true,
    description: 'port of health and metrics; 0 selects a free one',
  },
  HTTP_READY_MAX_AGE_HOURS: {
    form: integer(1, 8760),
    default: '26',
    notOfRuns: true,
    description: '/readyz fails when the last success is older',
  },
  STATUS_HOST: {
    form: { kind: 'text' },
    default: '127.0.0.1',
    notOfRuns: true,
    description: 'address of the status page, which anyone who reaches it can read',
  },
  STATUS_PORT: {
    form: integer(0, 65_535),
    default: null,
    notOfRuns: true,
    description: 'port of the status page; without it, there is no page; 0 selects a free one',
  },
  FORCE_WEBHOOK_URL: {
    form: { kind: 'url' },
    default: null,
    notOfRuns: true,
    secret: true,
    description: 'receiver of each change of a forced label and each quarantined record',
  },
  FORCE_WEBHOOK_SECRET: {
    form: { kind: 'webhookSecret' },
    default: null,
    notOfRuns: true,
    secret: true,
    description: 'secret that signs these notifications: whsec_ and base64 of 24 to 64 bytes',
  },
  HTTPS_PROXY: {
    form: { kind: 'proxyUrl' },
    default: null,
    lowerCaseToo: true,
    description: 'a proxy for the API and for time-stamping authorities, but not for loopback',
  },
  NO_PROXY: {
    form: { kind: 'text' },
    default: '',
    lowerCaseToo: true,
    description: 'hosts that are requested without the proxy, separated by commas',
  },
  LOG_LEVEL: {
    form: { kind: 'oneOf', values: LOG_LEVELS },
    default: 'info',
    description: LOG_LEVELS.join(', '),
  },
} as const satisfies Record<string, Variable>

/** A variable of libpq: a parameter of the connection that DATABASE_URL may leave out. */
interface ConnectionVariable {
  /** The name of the parameter in a URL. */
  readonly parameter: string
  readonly default: string | null
  readonly description: string
}

/** The variables of libpq that are read, too, so that the settings of psql are enough. */
export const CONNECTION_VARIABLES = {
  PGHOST: {
    parameter: 'host',
    default: 'localhost',
    description: 'host that DATABASE_URL leaves out; a local socket comes before the default',
  },
  PGPORT: {
    parameter: 'port',
    default: '5432',
    description: 'port that DATABASE_URL leaves out',
  },
  PGUSER: {
    parameter: 'user',
    default: null,
    description: 'role that DATABASE_URL leaves out; otherwise the name of the system user',
  },
  PGPASSWORD: {
    parameter: 'password',
    default: null,
    description: 'password that DATABASE_URL leaves out',
  },
  PGDATABASE: {
    parameter: 'dbname',
    default: null,
    description: 'database that DATABASE_URL leaves out; otherwise the name of the role',
  },
  PGPASSFILE: {
    parameter: 'passfile',
    default: '~/.pgpass',
    description: 'file with passwords of servers, in the format of psql',
  },
  PGSSLMODE: {
    parameter: 'sslmode',
    default: null,
    description: 'mode of TLS that DATABASE_URL leaves out (sslmode)',
  },
  PGSSLROOTCERT: {
    parameter: 'sslrootcert',
    default: null,
    description: 'certificate authority that DATABASE_URL leaves out (sslrootcert)',
  },
} as const satisfies Record<string, ConnectionVariable>

export type Variables = typeof VARIABLES
export type VariableName = keyof Variables

/** One variable for people. */
export interface VariableLine {
  readonly name: string
  /** The values that it can have; null where its description says it. */
  readonly values: string | null
  /** `required`, or the default; `none` where no value is the default. */
  readonly default: string
  readonly description: string
}

/** All variables in the order of the lists, with the files of secrets, and the one variable that Node reads itself. */
export const VARIABLE_LINES: readonly VariableLine[] = [
  ...Object.entries<Variable>(VARIABLES).flatMap(([name, variable]) => [
    {
      name,
      values: valuesOf(variable.form),
      default: defaultOf(variable),
      description: variable.description,
    },
    ...(variable.secret
      ? [
          {
            name: `${name}_FILE`,
            values: null,
            default: 'none',
            description: 'file that has the value instead',
          },
        ]
      : []),
  ]),
  ...Object.entries<ConnectionVariable>(CONNECTION_VARIABLES).map(([name, variable]) => ({
    name,
    values: null,
    default: defaultOf(variable),
    description: variable.description,
  })),
  {
    name: 'NODE_EXTRA_CA_CERTS',
    values: null,
    default: 'none',
    description: 'file of a private certificate authority; in the environment only',
  },
]

function valuesOf(form: Form): string | null {
  if (form.kind === 'integer') return `${form.least} to ${form.most}`
  return form.kind === 'rate' ? 'above 0' : null
}

function defaultOf(variable: Pick<Variable, 'default'>): string {
  return variable.default === undefined ? 'required' : variable.default || 'none'
}
