import { setTimeout as sleep } from 'node:timers/promises'
import { Kysely, PostgresDialect } from 'kysely'
import { type ClientBase, Pool, type PoolClient, TypeOverrides } from 'pg'
import Cursor from 'pg-cursor'
import type { Database } from './database.ts'
import { ClosingClient, driverInternals } from './closing-client.ts'
import { asConnectionError } from './database-error.ts'

export interface Connection {
  readonly db: Kysely<Database>
  /** For COPY, which Kysely has no word for; everything else goes through `db`. */
  readonly pool: Pool
}

export interface ConnectOptions {
  readonly connectionString: string
  /** Connections kept at most. */
  readonly maxConnections: number
  /**
   * How long the server may be silent while something is asked of it; a connection that is longer is given up. Without
   * it, one whose other end has vanished would be waited for for hours. No limit when absent.
   */
  readonly silenceMs?: number
  /** Told of connections that break; the pool replaces them by itself. */
  readonly onConnectionLost?: (error: Error) => void
}

const APPLICATION_NAME = 'identifai-sync'

/** How long a connection is kept that nobody uses. */
const IDLE_MS = 10_000

/**
 * Opens a lazy pool: the first query connects. Every session speaks UTC and writes all digits of a number, so that what is
 * read as text means the same on every machine. Close it with `db.destroy()`.
 */
export function connect(options: ConnectOptions): Connection {
  const report = (error: Error) => options.onConnectionLost?.(error)
  const pool: Pool = new ReportingPool({
    Client: ClosingClient,
    connectionString: withVerifiedTls(options.connectionString),
    max: options.maxConnections,
    application_name: APPLICATION_NAME,
    connectionTimeoutMillis: 10_000,
    // Before silence on a connection that nobody uses would count as a failure of it.
    idleTimeoutMillis: Math.min(IDLE_MS, (options.silenceMs ?? Number.POSITIVE_INFINITY) / 2),
    keepAlive: true,
    keepAliveInitialDelayMillis: 30_000,
    types: typeParsers,
    // The pool waits for it, without any limit of its own, though its type does not say so.
    onConnect: (client) => {
      if (options.silenceMs !== undefined) {
        limitSilence(client, options.silenceMs, (pid) => void endSession(pool, pid, report))
      }
      return client.query(sessionSettings(options)) as unknown as undefined
    },
  })
  // A connection that breaks while nobody waits for it, idle or between two statements, says so by an event, and
  // without a listener that event would end the process. Whoever uses it next gets the error as well.
  pool.on('error', report)
  pool.on('connect', (client) => {
    client.on('error', report)
  })
  return { db: new Kysely<Database>({ dialect: new PostgresDialect({ pool, cursor: Cursor }) }), pool }
}

/**
 * The driver takes these modes for `verify-full`, and warns that it will not always: it is said as it is meant. What a URL
 * asks for in libpq's own sense (`uselibpqcompat=true`) stays as it is.
 */
function withVerifiedTls(url: string): string {
  if (/[?&]uselibpqcompat=true(&|$)/.test(url)) return url
  return url.replace(/([?&]sslmode=)(prefer|require|verify-ca)(?=&|$)/, '$1verify-full')
}

/** The server, too, gives up a client that has vanished within a transaction: its locks would hold up everybody. */
function sessionSettings({ silenceMs }: ConnectOptions): string {
  const pendingWait = silenceMs === undefined ? '' : `set idle_in_transaction_session_timeout = ${silenceMs};`
  return `set time zone 'UTC'; set extra_float_digits = 1; ${pendingWait}`
}

/**
 * Ends a session that cannot be reached any more. One that waits for the rest of a COPY is not idle: without this its
 * locks would last until the server's TCP gives up, hours later. Whatever made it vanish may keep us from saying so, too:
 * it is tried again until it works, or nobody uses the pool any more.
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
      await sleep(Math.min(500 * tries, LONGEST_PAUSE_MS), undefined, { ref: false })
    }
  }
}

const LONGEST_PAUSE_MS = 30_000

/** Not pg's query_timeout: that leaves the connection in the pool, where the next statement waits behind the last. */
function limitSilence(client: ClientBase, silenceMs: number, onSilent: (pid: number) => void): void {
  const { connection, processID } = driverInternals(client)
  connection.stream.setTimeout(silenceMs, () => {
    const error = new Error(`The database has been silent for ${silenceMs} ms`)
    connection.stream.destroy(Object.assign(error, { code: 'ETIMEDOUT' }))
    onSilent(processID)
  })
}

type ConnectCallback = (
  error: Error | undefined,
  client: PoolClient | undefined,
  done: (release?: unknown) => void,
) => void

/** Whatever keeps a connection from being made is a failure to reach the database, also what has no code. */
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
// bigint columns are ids and counts, far below 2^53: numbers, not strings.
typeParsers.setTypeParser(INT8, parseInt8)

function parseInt8(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`bigint ${text} is beyond 2^53 - 1`)
  return value
}
