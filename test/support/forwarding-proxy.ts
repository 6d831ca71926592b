import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { pipeline } from 'node:stream'

export interface ForwardingProxy extends AsyncDisposable {
  readonly url: string
  /** Target and credentials of each request. */
  readonly requests: { readonly target: string; readonly authorization: string | undefined }[]
  /** All bytes sent through the proxy to the targets. */
  readonly carried: () => string
}

/** Starts a forwarding proxy for CONNECT. It maps `names` to ports on loopback and refuses other targets. */
export async function startForwardingProxy(
  names: Readonly<Record<string, number>>,
): Promise<ForwardingProxy> {
  const requests: ForwardingProxy['requests'] = []
  const bytes: Buffer[] = []
  const server = createServer((_, response) => response.writeHead(405).end())
  server.on('connect', (request, near) => {
    const target = request.url ?? ''
    requests.push({ target, authorization: request.headers['proxy-authorization'] })
    const port = names[target]
    if (port === undefined) return near.end('HTTP/1.1 403 Forbidden\r\n\r\n')
    const far = connect(port, '127.0.0.1', () => {
      near.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      near.on('data', (chunk: Buffer) => bytes.push(chunk))
      pipeline(near, far, near, () => {})
    })
    return undefined
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    carried: () => Buffer.concat(bytes).toString('latin1'),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
