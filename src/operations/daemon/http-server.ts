import { fastify } from 'fastify'
import type { Registry } from 'prom-client'
import { listen } from './listen.ts'
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
  return listen(server, { host, port, variables: 'HTTP' })
}
