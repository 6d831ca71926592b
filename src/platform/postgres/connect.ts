import type { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Kysely } from 'kysely'
import type { Socket } from 'node:net'
import {
  Client,
  type ClientBase,
  type ClientConfig,
  Pool,
  type PoolClient,
  type PoolConfig,
  type QueryResult,
  TypeOverrides,
} from 'pg'
import { parseIntoClientConfig } from 'pg-connection-string'
import Cursor from 'pg-cursor'
import { DatabaseError } from '../errors.ts'
import { delayBoundMs, RETRY_POLICY } from '../retry.ts'
import type { Database } from './database.ts'
import { asConnectionError, READ_ONLY } from './database-error.ts'
import { OwnSettingsDialect } from './own-settings.ts'
import { readPassword } from './password-file.ts'

export interface Connection {
  readonly db: Kysely<Database>
  /** For COPY, which Kysely does not have; everything else uses `db`. */
  readonly pool: ConnectionPool
}

export interface ConnectOptions {
  readonly connectionString: string
  /** Connections kept at most. */
  readonly maxConnections: number
  /**
   * How long the server may be silent during a statement, after which the connection is closed. Otherwise a statement on a
   * connection whose other end has vanished would wait for hours. No limit when absent.
   */
  readonly silenceMs?: number
  /** Called for each connection that breaks; the pool replaces it. */
  readonly onConnectionLost?: (error: Error) => void
}

const APPLICATION_NAME = 'identifai-sync'

/** How long an unused connection is kept. */
const IDLE_MS = 10_000

/** Opens a lazy pool: the first query connects. Close it with `db.destroy()`. */
export function connect(options: ConnectOptions): Connection {
  const report = (error: Error) => options.onConnectionLost?.(error)
  const readOnly = new WeakSet<PoolClient>()
  const pool: ConnectionPool = new ConnectionPool(transactionSettings(options), {
    Client: ClosingClient,
    connectionString: options.connectionString,
    max: options.maxConnections,
    application_name: APPLICATION_NAME,
    connectionTimeoutMillis: 10_000,
    // Shorter than the limit of silence, so that an idle connection does not count as broken.
    idleTimeoutMillis: Math.min(IDLE_MS, (options.silenceMs ?? Number.POSITIVE_INFINITY) / 2),
    keepAlive: true,
    keepAliveInitialDelayMillis: 30_000,
    types: typeParsers,
    // The pool awaits the result, without a time limit, although its type does not declare it.
    onConnect: (client) => limitSilence(pool, client, options, report) as unknown as undefined,
  })
  // A connection that breaks while it is idle, or between two statements, emits an event. Without a listener that event
  // would end the process. The next statement on the connection gets the error as well.
  pool.on('error', report)
  pool.on('connect', (client) => {
    client.on('error', report)
    driverInternals(client).connection.on('errorMessage', ({ code }) => {
      if (code === READ_ONLY) readOnly.add(client)
    })
  })
  // The next connection may lead to the server that has become the primary.
  pool.on('release', (_, client) => {
    if (readOnly.has(client)) void client.end().catch(report)
  })
  return {
    db: new Kysely<Database>({ dialect: new OwnSettingsDialect({ pool, cursor: Cursor }, pool.settings) }),
    pool,
  }
}

/**
 * The settings of every transaction. Texts mean the same everywhere: times are in UTC, and numbers have all digits. Limits
 * of the role or of the database have no effect. But the server ends a client that has vanished within a
 * transaction, because its locks would block other processes.
 */
function transactionSettings({ silenceMs = 0 }: ConnectOptions): string {
  const settings = {
    timezone: 'UTC',
    datestyle: 'ISO',
    intervalstyle: 'postgres',
    bytea_output: 'hex',
    extra_float_digits: 1,
    search_path: 'pg_catalog, pg_temp',
    statement_timeout: 0,
    lock_timeout: 0,
    idle_in_transaction_session_timeout: silenceMs,
  }
  const local = Object.entries(settings).map(([name, value]) => `set_config('${name}', '${value}', true)`)
  // Servers before version 17 do not know this limit.
  return `select ${local.join(', ')}, case when current_setting('transaction_timeout', true) is not null
    then set_config('transaction_timeout', '0', true) end`
}

/** A server session, which a later one with the same pid is not. */
interface Session {
  readonly pid: number
  readonly startedAt: string
}

/**
 * Closes a silent connection, and ends its session. pg's query_timeout would leave the connection in the pool, where the next
 * statement waits.
 */
async function limitSilence(
  pool: ConnectionPool,
  client: ClientBase,
  { silenceMs }: ConnectOptions,
  onFailure: (error: Error) => void,
): Promise<void> {
  if (silenceMs === undefined) return
  const { connection } = driverInternals(client)
  const known: { session?: Session | undefined } = {}
  connection.stream.setTimeout(silenceMs, () => {
    const error = new Error(`The database has been silent for ${silenceMs} ms`)
    connection.stream.destroy(Object.assign(error, { code: 'ETIMEDOUT' }))
    if (known.session) void endSession(pool, known.session, onFailure)
  })
  known.session = await sessionOf(client, pool.settings)
}

/**
 * The session of a connection; undefined behind a pooler, where the session belongs to others, too. A pooler makes up the
 * pid of the connection, and itself ends the session of a client that vanishes within a transaction.
 */
async function sessionOf(client: ClientBase, settings: string): Promise<Session | undefined> {
  const results = await client.query(`begin; ${settings};
    select pid, backend_start::text as "startedAt" from pg_stat_activity where pid = pg_backend_pid(); commit`)
  // The driver has one result for each statement, which its type does not declare.
  const [session] = (results as unknown as QueryResult<Session>[]).at(-2)?.rows ?? []
  return session?.pid === driverInternals(client).processID ? session : undefined
}

/**
 * Ends a server session whose connection is lost. A session that waits for the rest of a COPY is not idle. Its locks would
 * last until the server's TCP gives up, hours later. The network may be down for this statement, too, so it is
 * repeated until it succeeds or the pool ends.
 */
async function endSession(
  pool: Pool,
  { pid, startedAt }: Session,
  onFailure: (error: Error) => void,
): Promise<void> {
  for (let tries = 1; !pool.ending; tries++) {
    try {
      await pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where pid = $1 and backend_start = $2::timestamptz and usename = current_user`,
        [pid, startedAt],
      )
      return
    } catch (error) {
      onFailure(error as Error)
      await sleep(delayBoundMs(tries, RETRY_POLICY.session), undefined, { ref: false })
    }
  }
}

/** Members that the driver does not declare. */
interface DriverInternals {
  readonly connection: EventEmitter<{ errorMessage: [{ readonly code?: string }] }> & {
    readonly stream: Socket
  }
  readonly processID: number
  readonly password: string | null
  /** Set when the server requires a password. */
  readonly saslSession: object | null
}

function driverInternals(client: ClientBase): DriverInternals {
  return client as unknown as DriverInternals
}

type ClientCallback = ((error: Error) => void) & ((error: null, client: Client) => void)

/**
 * Closes the socket when a handshake fails on the client side. The driver leaves it open, and an open socket keeps the
 * process alive.
 */
class ClosingClient extends Client {
  constructor({ connectionString = '', ...config }: ClientConfig = {}) {
    super({ ...config, ...clientConfigOf(connectionString) })
  }

  override connect(): Promise<Client>
  override connect(callback: ClientCallback): void
  override connect(callback?: ClientCallback): Promise<Client> | undefined {
    // The pool is the only caller, and passes a callback.
    if (!callback) return super.connect()
    super.connect((error: Error | null) => {
      if (error === null) return callback(null, this)
      driverInternals(this).connection.stream.destroy()
      callback(explainHandshake(this, error))
    })
    return undefined
  }
}

/** The driver's settings for a URL. A password file is read when the server requires a password. */
function clientConfigOf(connectionString: string): ClientConfig {
  const config = parseIntoClientConfig(connectionString)
  const { pathname, searchParams } = new URL(connectionString)
  const { host = '', port = 5432, user = '' } = config
  // The driver does not decode every character of this name.
  const database = decodeURIComponent(pathname.slice(1))
  const fromFile = () =>
    readPassword(searchParams.get('passfile') ?? '', { host, port: String(port), database, user })
  // The driver accepts undefined, which its type does not declare.
  return { ...config, database, password: config.password || (fromFile as () => Promise<string>) }
}

function explainHandshake(client: Client, error: Error): Error {
  const { password, saslSession } = driverInternals(client)
  if (password || !saslSession) return error
  return new DatabaseError(
    'The database requires a password, and there is none.',
    'Add it to DATABASE_URL, to PGPASSWORD, or to the password file (PGPASSFILE).',
    { cause: error },
  )
}

type ConnectCallback = (
  error: Error | undefined,
  client: PoolClient | undefined,
  done: (release?: unknown) => void,
) => void

/** Reports every failure to connect as a failure to reach the database, also one without a code. */
export class ConnectionPool extends Pool {
  /** The settings of every transaction: statements that follow BEGIN. */
  readonly settings: string

  constructor(settings: string, config: PoolConfig) {
    super(config)
    this.settings = settings
  }

  override connect(): Promise<PoolClient>
  override connect(callback: ConnectCallback): void
  override connect(callback?: ConnectCallback): Promise<PoolClient> | undefined {
    if (callback) {
      super.connect(callback)
      return undefined
    }
    return super.connect().catch((error: unknown) => {
      throw asConnectionError(error)
    })
  }
}

const INT8 = 20

const typeParsers = new TypeOverrides()
// bigint columns are ids and counts below 2^53, so they are numbers and not strings.
typeParsers.setTypeParser(INT8, parseInt8)

function parseInt8(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`bigint ${text} is beyond 2^53 - 1`)
  return value
}
