import type { AddressInfo } from 'node:net'
import { fastify } from 'fastify'
import type { Registry } from 'prom-client'
import { UsageError } from '../../platform/errors.ts'
import type { Readiness } from './readiness.ts'

/** Serves `/livez`, `/readyz` and `/metrics`. Throws a UsageError when it cannot listen on the host and port. */
export async function startHttpServer(options: {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly registry: Registry
  readonly readReadiness: () => Promise<Readiness>
}) {
  const { host, port, registry, readReadiness } = options
  // An open connection must not keep the daemon from stopping.
  const server = fastify({ forceCloseConnections: true })
  server.get('/livez', () => ({ live: true }))
  server.get('/readyz', async (_, reply) => {
    const readiness = await readReadiness()
    return reply.status(readiness.ready ? 200 : 503).send(readiness)
  })
  server.get('/metrics', async (_, reply) => reply.type(registry.contentType).send(await registry.metrics()))
  await server.listen({ host, port }).catch((error: NodeJS.ErrnoException) => {
    throw explain(error, `${host}:${port}`)
  })
  const bound = server.server.address() as AddressInfo
  const origin = `http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`
  return { origin, [Symbol.asyncDispose]: () => server.close() }
}

function explain({ code, message }: NodeJS.ErrnoException, address: string): UsageError {
  if (code === 'EADDRINUSE') {
    return new UsageError(
      `Cannot listen on ${address}, because another process uses this port.`,
      'Set another HTTP_PORT, or 0 for a free one.',
    )
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return new UsageError(
      `Cannot listen on ${address}, because this machine has no such address.`,
      'Correct HTTP_HOST.',
    )
  }
  if (code === 'EACCES') {
    return new UsageError(
      `Cannot listen on ${address}, because this user has no permission.`,
      'Set HTTP_PORT to 1024 or higher.',
    )
  }
  return new UsageError(`Cannot listen on ${address} (${message}).`, 'Check HTTP_HOST and HTTP_PORT.')
}
