import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface TcpProxy extends AsyncDisposable {
  readonly port: number
  /** Whether the one answer has been lost. */
  readonly hasCut: boolean
  /** Lets the connections of this moment hang: both ends stay open, and nothing comes through any more. */
  freeze(): number
  /** Ends the connections that hang. While a server's end of one hangs in a write, no database of it can be dropped. */
  hangUp(): void
}

/**
 * A way to a server on loopback that can be made to fail as networks do. Once, the connection is cut instead of passing
 * on an answer that `cuts` says yes to, given all that was sent to the server so far. Port 0 takes a free one.
 */
export async function startTcpProxy(
  target: { readonly host: string; readonly port: number },
  cuts: (sent: string, answer: string) => boolean = () => false,
  port = 0,
): Promise<TcpProxy> {
  let hasCut = false
  const pairs = new Set<readonly [Socket, Socket]>()
  const frozen = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(target.port, target.host)
    const pair = [near, far] as const
    pairs.add(pair)
    let sent = ''
    near.on('data', (bytes) => {
      sent += bytes.toString('latin1')
    })
    far.prependListener('data', (bytes) => {
      if (hasCut || !cuts(sent, bytes.toString('latin1'))) return
      hasCut = true
      far.unpipe()
      near.destroy()
    })
    for (const [socket, other] of [pair, pair.toReversed() as [Socket, Socket]] as const) {
      socket.pipe(other)
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        pairs.delete(pair)
        other.destroy()
      })
    }
  }).listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    get hasCut() {
      return hasCut
    },
    hangUp: () => {
      for (const socket of frozen) socket.destroy()
    },
    freeze: () => {
      for (const socket of [...pairs].flat()) {
        socket.unpipe()
        socket.pause()
        socket.removeAllListeners('close')
        frozen.add(socket)
      }
      return pairs.size
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of [...pairs].flat()) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
