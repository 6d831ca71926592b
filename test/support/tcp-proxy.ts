import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface TcpProxy extends AsyncDisposable {
  readonly port: number
  /** True after a connection was cut. */
  readonly hasCut: boolean
  /** Freezes the current connections: both ends stay open, but no more bytes pass. Returns their number. */
  freeze(): number
  /** Ends the frozen connections. A database cannot be dropped while the server hangs in a write to such a connection. */
  hangUp(): void
}

/**
 * Starts a TCP proxy to a server on loopback that fails as networks do. It drops the first response for which `cuts` is
 * true, and cuts that connection. `sent` is everything sent to the server so far. Port 0 takes a free port.
 */
export async function startTcpProxy(
  target: { readonly host: string; readonly port: number },
  cuts: (sent: string, response: string) => boolean = () => false,
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
