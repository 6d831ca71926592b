import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface CannedApi extends AsyncDisposable {
  readonly url: string
  /** Identifiers of each request so far. */
  readonly requests: string[][]
}

/** Starts an HTTP server. `respond` returns the body for the requested identifiers, or undefined when it responds itself. */
export async function startCannedApi(
  respond: (identifiers: string[], response: ServerResponse, request: IncomingMessage) => unknown,
): Promise<CannedApi> {
  const requests: string[][] = []
  const server = createServer((request, response) => {
    const identifiers = new URL(request.url ?? '/', 'http://host').searchParams.getAll('identifiers[]')
    requests.push(identifiers)
    const body = respond(identifiers, response, request)
    if (body !== undefined) {
      response.setHeader('content-type', 'application/json')
      response.end(typeof body === 'string' ? body : JSON.stringify(body))
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
