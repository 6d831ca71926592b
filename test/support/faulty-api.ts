import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import type { JsonObject } from '../../src/platform/json.ts'
import type { World } from '../../src/devkit/simulator/world.ts'

/** One open request, and the records of its correct response. */
interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly records: readonly JsonObject[]
  /** Closes the port until a connection is refused. */
  readonly closePort: () => Promise<void>
}

export type Fault = (exchange: Exchange) => unknown

export interface FaultyApi extends AsyncDisposable {
  readonly url: string
  /** All requests so far, and those with a fault. */
  readonly counts: { requests: number; faults: number }
  /** `X-Api-Key` of the requests so far. */
  readonly keys: Set<string>
}

/** An address that other servers do not use, so that none takes the port while it is closed. Other systems have one address. */
const HOST = process.platform === 'linux' ? '127.0.0.2' : '127.0.0.1'

/** Starts a world's API over HTTP. A fault hits the requests for which `befalls` is true, counted from 1. */
export async function startFaultyApi(options: {
  readonly world: World
  readonly fault: Fault
  readonly befalls: (request: number) => boolean
  /** How many connections were refused so far. A closed port opens again after the next one. */
  readonly refusals?: () => number
}): Promise<FaultyApi> {
  const counts = { requests: 0, faults: 0 }
  const keys = new Set<string>()
  const server = createServer((request, response) => {
    keys.add(String(request.headers['x-api-key']))
    const identifiers = new URL(request.url ?? '/', 'http://host').searchParams.getAll('identifiers[]')
    const records = identifiers
      .map((identifier) => options.world.truth(identifier))
      .filter((record) => record !== undefined)
    if (!options.befalls(++counts.requests)) return json(response, records)
    counts.faults++
    return void options.fault({ request, response, records, closePort })
  })
  const listen = async (port: number) => {
    server.listen(port, HOST)
    await once(server, 'listening')
  }
  await listen(0)
  const { port } = server.address() as AddressInfo
  let reopening: Promise<void> | undefined
  const ending = new AbortController()
  const closePort = () =>
    (reopening ??= (async () => {
      server.close()
      server.closeAllConnections()
      const before = options.refusals?.() ?? 0
      while (!ending.signal.aborted && options.refusals?.() === before) await sleep(5)
      await listen(port)
      reopening = undefined
    })())
  return {
    url: `http://${HOST}:${port}/api`,
    counts,
    keys,
    [Symbol.asyncDispose]: async () => {
      // After a failed test, no connection is refused any more.
      ending.abort()
      await reopening
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function json(response: ServerResponse, body: unknown): void {
  response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
}

function status(code: number, body = '', headers: Record<string, string> = {}): Fault {
  return ({ response }) => response.writeHead(code, headers).end(body)
}

function text(make: (records: readonly JsonObject[]) => string): Fault {
  return ({ response, records }) => response.setHeader('content-type', 'application/json').end(make(records))
}

/** Faults of a network, a proxy or a server for one request. */
export const FAULTS = {
  'connection refused': ({ closePort }) => closePort(),
  'reset before headers': ({ request }) => request.socket.resetAndDestroy(),
  'reset in the body': ({ request, response, records }) => {
    const body = JSON.stringify(records)
    response.writeHead(200, { 'content-length': body.length * 2 })
    response.write(body.slice(0, body.length / 2), () => setImmediate(() => request.socket.resetAndDestroy()))
  },
  'a drip that outlasts the time limit': async ({ response, records }) => {
    for (const character of JSON.stringify(records)) {
      if (!response.writable) return
      response.write(character)
      await sleep(5)
    }
  },
  'status 408': status(408),
  'status 425': status(425),
  'status 429': status(429, '{"message": "Too Many Attempts."}'),
  'status 429 with Retry-After': status(429, '{"message": "Too Many Attempts."}', { 'retry-after': '1' }),
  'status 500': status(500, '{"message": "Server Error"}'),
  'status 502 with HTML': status(502, '<html><body>Bad Gateway</body></html>', {
    'content-type': 'text/html',
  }),
  'status 503': status(503),
  'a redirect': status(302, '', { location: 'http://127.0.0.1:9/elsewhere' }),
  'JSON that breaks off': text((records) => JSON.stringify(records).slice(0, -5)),
  'JSON that is no array': text((records) => JSON.stringify({ data: records })),
  'an empty body': text(() => ''),
  'gzip that breaks off': ({ response, records }) => {
    const packed = gzipSync(JSON.stringify(records))
    response.setHeader('content-encoding', 'gzip').end(packed.subarray(0, packed.length - 20))
  },
  'gzip that is whole': ({ response, records }) =>
    response.setHeader('content-encoding', 'gzip').end(gzipSync(JSON.stringify(records))),
  'a record of another identifier': text(([first, ...others]) =>
    JSON.stringify([{ ...first, identifier: 'another-identifier' }, ...others]),
  ),
  'null entries and a record without a name': text((records) =>
    JSON.stringify([null, { status: 'done' }, ...records, 7]),
  ),
  'records twice, the first of them out of date': text((records) =>
    JSON.stringify([
      ...records.map((record) => ({ ...record, force_classification: 'human', name: 'old' })),
      ...records,
    ]),
  ),
  'another order': text((records) => JSON.stringify(records.toReversed())),
} satisfies Record<string, Fault>
