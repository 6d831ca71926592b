import type { Socket } from 'node:net'
import { Client, type ClientBase } from 'pg'
import { DatabaseError } from '../errors.ts'

/** What the driver keeps to itself. */
interface DriverInternals {
  readonly connection: { readonly stream: Socket }
  readonly processID: number
  readonly password: string | null
  /** Begun when the server asked for a password. */
  readonly saslSession: object | null
}

export function driverInternals(client: ClientBase): DriverInternals {
  return client as unknown as DriverInternals
}

type ConnectCallback = ((error: Error) => void) & ((error: null, client: Client) => void)

/** The driver leaves the socket open when a handshake fails on our side, and an open socket keeps a process alive. */
export class ClosingClient extends Client {
  override connect(): Promise<Client>
  override connect(callback: ConnectCallback): void
  override connect(callback?: ConnectCallback): Promise<Client> | undefined {
    // The pool, which is the only one that connects, brings a callback.
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
    'The database asks for a password, and DATABASE_URL has none: put it there, or into PGPASSWORD',
    { cause: error },
  )
}
