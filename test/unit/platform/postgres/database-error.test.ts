import { once } from 'node:events'
import net from 'node:net'
import { expect, it } from 'vitest'
import { asConnectionError } from '../../../../src/platform/postgres/database-error.ts'

it('a host with several addresses has the reason of its first one', async () => {
  // Node's error for several addresses has no message of its own.
  const socket = net.connect({
    host: 'two-addresses',
    port: 9,
    autoSelectFamily: true,
    lookup: (_host, _options, respond) =>
      respond(null, [
        { address: '127.0.0.2', family: 4 },
        { address: '127.0.0.3', family: 4 },
      ]),
  })
  const [error] = (await once(socket, 'error').catch((cause: unknown) => [cause])) as [unknown]
  expect(error).toBeInstanceOf(AggregateError)
  expect(asConnectionError(error).message).toMatch(
    /^The database cannot be reached \(connect ECONNREFUSED 127\.0\.0\.2:9\)\./,
  )
})
