import { setTimeout as sleep } from 'node:timers/promises'
import { Kysely, PostgresDialect } from 'kysely'
import type { Socket } from 'node:net'
import { Client, type ClientBase, Pool, type PoolClient, TypeOverrides } from 'pg'
import Cursor from 'pg-cursor'
import { DatabaseError } from '../errors.ts'
import { delayBoundMs, RETRY_POLICY } from '../retry.ts'
import type { Database } from './database.ts'
import { asConnectionError } from './database-error.ts'

export interface Connection {
  readonly db: Kysely<Database>
  /** For COPY, which Kysely does not have; everything else uses `db`. */
  readonly pool: Pool
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

/**
 * Opens a lazy pool: the first query connects. Every session uses UTC and writes all digits of a number, so that texts mean
 * the same on every machine. Close it with `db.destroy()`.
 */
export function connect(options: ConnectOptions): Connection {
  const report = (error: Error) => options.onConnectionLost?.(error)
  const pool: Pool = new ReportingPool({
    Client: ClosingClient,
    connectionString: withVerifiedTls(options.connectionString),
    max: options.maxConnections,
    application_name: APPLICATION_NAME,
    connectionTimeoutMillis: 10_000,
    // Shorter than the limit of silence, so that an idle connection does not count as broken.
    idleTimeoutMillis: Math.min(IDLE_MS, (options.silenceMs ?? Number.POSITIVE_INFINITY) / 2),
    keepAlive: true,
    keepAliveInitialDelayMillis: 30_000,
    types: typeParsers,
    // The pool awaits the result, without a time limit, although its type does not declare it.
    onConnect: (client) => {
      if (options.silenceMs !== undefined) {
        limitSilence(client, options.silenceMs, (pid) => void endSession(pool, pid, report))
      }
      return client.query(sessionSettings(options)) as unknown as undefined
    },
  })
  // A connection that breaks while it is idle, or between two statements, emits an event. Without a listener that event
  // would end the process. The next statement on the connection gets the error as well.
  pool.on('error', report)
  pool.on('connect', (client) => {
    client.on('error', report)
  })
  return { db: new Kysely<Database>({ dialect: new PostgresDialect({ pool, cursor: Cursor }) }), pool }
}

/**
 * Writes `verify-full` for the modes that the driver treats as such, because the driver warns that this will change. A URL
 * that requests libpq's meaning of the modes (`uselibpqcompat=true`) stays as it is.
 */
function withVerifiedTls(url: string): string {
  if (/[?&]uselibpqcompat=true(&|$)/.test(url)) return url
  return url.replace(/([?&]sslmode=)(prefer|require|verify-ca)(?=&|$)/, '$1verify-full')
}

/** Makes the server end a client that has vanished within a transaction, because its locks would block other processes. */
function sessionSettings({ silenceMs }: ConnectOptions): string {
  const limit = silenceMs === undefined ? '' : `set idle_in_transaction_session_timeout = ${silenceMs};`
  return `set time zone 'UTC'; set extra_float_digits = 1; ${limit}`
}

/**
 * Ends a server session whose connection is lost. A session that waits for the rest of a COPY is not idle. Its locks would
 * last until the server's TCP gives up, hours later. The network may be down for this statement, too, so it is
 * repeated until it succeeds or the pool ends.
 */
async function endSession(pool: Pool, pid: number, onFailure: (error: Error) => void): Promise<void> {
  for (let tries = 1; !pool.ending; tries++) {
    try {
      await pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where pid = $1 and application_name = $2 and usename = current_user`,
        [pid, APPLICATION_NAME],
      )
      return
    } catch (error) {
      onFailure(error as Error)
      await sleep(delayBoundMs(tries, RETRY_POLICY.session), undefined, { ref: false })
    }
  }
}

/** Closes a silent connection. pg's query_timeout would leave it in the pool, where the next statement waits. */
function limitSilence(client: ClientBase, silenceMs: number, onSilent: (pid: number) => void): void {
  const { connection, processID } = driverInternals(client)
  connection.stream.setTimeout(silenceMs, () => {
    const error = new Error(`The database has been silent for ${silenceMs} ms`)
    connection.stream.destroy(Object.assign(error, { code: 'ETIMEDOUT' }))
    onSilent(processID)
  })
}

/** Members that the driver does not declare. */
interface DriverInternals {
  readonly connection: { readonly stream: Socket }
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

function explainHandshake(client: Client, error: Error): Error {
  const { password, saslSession } = driverInternals(client)
  if (password || !saslSession) return error
  return new DatabaseError(
    'The database requires a password, but DATABASE_URL has none.',
    'Add it to DATABASE_URL, or set PGPASSWORD.',
    { cause: error },
  )
}

type ConnectCallback = (
  error: Error | undefined,
  client: PoolClient | undefined,
  done: (release?: unknown) => void,
) => void

/** Reports every failure to connect as a failure to reach the database, also one without a code. */
class ReportingPool extends Pool {
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
