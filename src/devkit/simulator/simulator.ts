import type { AddressInfo } from 'node:net'
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import { z } from 'zod'
import { registration, World, type WorldOptions } from './world.ts'

/** The API's documented limit. */
const MAX_IDENTIFIERS = 100

export interface SimulatorOptions {
  readonly apiKey: string
  readonly world?: Partial<WorldOptions>
  /** Enforces a quota. The windows are the documented ones by default; without this option there is no quota. */
  readonly quota?: { readonly kind: WindowKind; readonly windows?: readonly QuotaWindow[] } | undefined
}

export type RunningSimulator = Awaited<ReturnType<typeof startSimulator>>

/** Counts of the requests so far. The keys are those of `/_simulator/stats`. */
const NO_STATS = {
  /** GET requests for classifications, including refused ones. */
  requests: 0,
  /** Requests that got status 429. */
  throttled: 0,
  /** Requested identifiers, including unknown ones. */
  identifiers: 0,
}

/**
 * Starts a simulated API on loopback: the two documented endpoints below `/api`, and below `/_simulator` controls for a
 * demo or a test. Port 0, the default, takes a free one.
 */
export async function startSimulator(options: SimulatorOptions & { readonly port?: number }) {
  const world = new World(options.world)
  const stats = { ...NO_STATS }
  const app = fastify({ logger: false, forceCloseConnections: true })
  addApi(app, options, world, stats)
  addControls(app, world, stats)
  await app.listen({ host: '127.0.0.1', port: options.port ?? 0 })
  const { port } = app.server.address() as AddressInfo
  /** Scheme, host and port, without a path; the API, the value for IDENTIFAI_API_URL, is below it. */
  const origin = `http://127.0.0.1:${port}`
  return { origin, apiUrl: `${origin}/api`, world, stats, [Symbol.asyncDispose]: () => app.close() }
}

function addApi(app: FastifyInstance, options: SimulatorOptions, world: World, stats: typeof NO_STATS): void {
  const { apiKey, quota } = options
  const isWithinQuota = quota && createQuotaGate(quota.windows ?? DOCUMENTED_QUOTA, quota.kind)
  const requireKey = async (request: FastifyRequest, reply: FastifyReply) => {
    if (request.headers['x-api-key'] !== apiKey) return reply.code(401).send({ message: 'Unauthenticated.' })
    return undefined
  }

  app.get('/api/classifications_audio', { onRequest: requireKey }, async (request, reply) => {
    stats.requests++
    if (isWithinQuota && !isWithinQuota()) {
      stats.throttled++
      return reply.code(429).send({ message: 'Too Many Attempts.' })
    }
    const query = request.query as Record<string, string | string[]>
    const identifiers = [query['identifiers[]'] ?? []].flat()
    const problem = problemWith(identifiers)
    if (problem) return reply.code(422).send({ message: problem, errors: { identifiers: [problem] } })
    stats.identifiers += identifiers.length
    return identifiers.flatMap((identifier) => world.respond(identifier) ?? [])
  })

  app.post('/api/classification_audio/:hash/override', { onRequest: requireKey }, async (request, reply) => {
    const body = overrideBody.safeParse(request.body)
    if (!body.success) {
      const problem = 'The classification field must be human or artificial.'
      return reply.code(422).send({ message: problem, errors: { classification: [problem] } })
    }
    const { hash } = request.params as { hash: string }
    const { classification } = body.data
    if (!world.override(hash, classification)) return reply.code(404).send({ message: 'Not Found.' })
    return { classification, type: 'audio', hash }
  })
}

const overrideBody = z.object({ classification: z.enum(['human', 'artificial']) })

function problemWith(identifiers: readonly string[]): string | undefined {
  if (identifiers.length === 0) return 'The identifiers field is required.'
  if (identifiers.length > MAX_IDENTIFIERS) return 'The identifiers field must not have more than 100 items.'
  return undefined
}

function addControls(app: FastifyInstance, world: World, stats: typeof NO_STATS): void {
  app.setErrorHandler((error, _, reply) =>
    error instanceof z.ZodError
      ? reply.code(400).send({ message: z.prettifyError(error) })
      : reply.send(error),
  )
  app.post('/_simulator/register', async (request) => world.register(registration.parse(request.body)))
  app.post('/_simulator/complete', async () => {
    world.completeAll()
    return { completed: true }
  })
  app.patch('/_simulator/settings', async (request) =>
    Object.assign(world.options, settings.parse(request.body)),
  )
  app.get('/_simulator/identifiers', async (_, reply) =>
    reply.type('text/plain').send(world.identifiers.map((identifier) => `${identifier}\n`).join('')),
  )
  app.get('/_simulator/truth/:identifier', async (request, reply) => {
    const { identifier } = request.params as { identifier: string }
    return world.truth(identifier) ?? reply.code(404).send({ message: 'Not registered.' })
  })
  app.get('/_simulator/stats', async () => stats)
}

const settings = z.strictObject({ shuffle: z.boolean().optional() })

/** Allows at most `requests` in `windowMs`. */
interface QuotaWindow {
  readonly windowMs: number
  readonly requests: number
}

/** The documented GET quota of a key: 2 requests per second and 60 per minute. */
const DOCUMENTED_QUOTA: readonly QuotaWindow[] = [
  { windowMs: 1000, requests: 2 },
  { windowMs: 60_000, requests: 60 },
]

/** How a server counts: over the time just past, or since its clock last started a full window. */
type WindowKind = 'sliding' | 'fixed'

/** Creates the gate of one key, which returns whether a request is within the quota. Refused requests do not count. */
function createQuotaGate(windows: readonly QuotaWindow[], kind: WindowKind): () => boolean {
  const longest = Math.max(...windows.map(({ windowMs }) => windowMs))
  let accepted: number[] = []
  return () => {
    const now = Date.now()
    accepted = accepted.filter((time) => time > now - longest)
    const admitted = windows.every(({ windowMs, requests }) => {
      const start = kind === 'sliding' ? now - windowMs : Math.floor(now / windowMs) * windowMs - 1
      return accepted.filter((time) => time > start).length < requests
    })
    if (admitted) accepted.push(now)
    return admitted
  }
}
