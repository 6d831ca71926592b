import type { AddressInfo } from 'node:net'
import { fastify } from 'fastify'
import type { Registry } from 'prom-client'
import { UsageError } from '../../platform/errors.ts'
import type { Readiness } from './readiness.ts'

export interface HttpServer extends AsyncDisposable {
  /** Scheme, host and port, without a path. */
  readonly origin: string
}

export interface HttpServerOptions {
  readonly host: string
  /** 0 takes a free port. */
  readonly port: number
  readonly registry: Registry
  readonly readReadiness: () => Promise<Readiness>
}

/**
 * Serves `/livez`, `/readyz` and `/metrics`.
 *
 * @throws UsageError when it cannot listen on the host and port.
 */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  // An open connection must not keep the daemon from stopping.
  const server = fastify({ forceCloseConnections: true })
  server.get('/livez', () => ({ live: true }))
  server.get('/readyz', async (_, reply) => {
    const readiness = await options.readReadiness()
    return reply.status(readiness.ready ? 200 : 503).send(readiness)
  })
  server.get('/metrics', async (_, reply) => {
    const text = await options.registry.metrics()
    return reply.type(options.registry.contentType).send(text)
  })
  await server.listen({ host: options.host, port: options.port }).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`Cannot listen on ${options.host}:${options.port} (${explain(error)}).`)
  })
  const { address, family, port } = server.server.address() as AddressInfo
  return {
    origin: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    [Symbol.asyncDispose]: () => server.close(),
  }
}

function explain({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'EADDRINUSE')
    return 'another process uses this port: set another HTTP_PORT, or 0 for a free one'
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return 'this machine has no such address: check HTTP_HOST'
  if (code === 'EACCES') return 'this user has no permission: set HTTP_PORT to 1024 or higher'
  return message
}
