import { type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import type { Kysely } from 'kysely'
import { isLoopback } from '../../../platform/config/config.ts'
import type { DaemonConfig } from '../../../platform/config/daemon-config.ts'
import type { Database } from '../../../platform/postgres/database.ts'
import type { Logger } from '../../../platform/logger.ts'
import { createReader } from '../create-reader.ts'
import { type CronTime, nextCronTime } from '../cron.ts'
import { listen } from '../listen.ts'
import type { Readiness } from '../readiness.ts'
import { readRecent } from '../../status/read-recent.ts'
import { readWholeQueue } from '../../status/read-whole-queue.ts'
import { statusPage } from './page.ts'

/** A page waits for so long, and then shows the previous reading, unless that is too old. */
const WAIT_MS = 100
const MAX_OVERDUE_MS = 120_000

interface StatusPageOptions {
  readonly config: DaemonConfig
  readonly port: number
  readonly logger: Logger
  /** For queries that read few rows. */
  readonly db: () => Kysely<Database>
  /** For the query over all tracked identifiers, which can take long. */
  readonly slowDb: () => Kysely<Database>
  readonly readReadiness: () => Promise<Readiness>
}

/** Serves the status page, which reads the database for a viewer only. Throws a UsageError when it cannot listen. */
export async function startStatusPage({ config, port, logger, ...options }: StatusPageOptions) {
  const { statusHost: host, timezone: timeZone, schedule: expression } = config
  const onFailure = (err: unknown) => logger.warn({ err }, 'status page query failed')
  const readers = { waitMs: WAIT_MS, maxOverdueMs: MAX_OVERDUE_MS, onFailure }
  // A check that got no response takes the longest, and would be shown for a minute after the database is back.
  const readReadiness = createReader(options.readReadiness, { ...readers, reusePerDuration: 1 })
  const readFacts = createReader(() => readRecent(options.db(), timeZone), readers)
  const readQueue = createReader(() => readWholeQueue({ db: options.slowDb(), config }), readers)
  const nextNightly = createNextTime({ expression, timeZone })
  // An open connection must not keep the daemon from stopping.
  const server = fastify({ forceCloseConnections: true })
  if (isLoopback(host)) server.addHook('onRequest', requireLoopbackName)
  server.get<{ Querystring: { refresh?: string } }>('/', async ({ query }, reply) => {
    const [readiness, recent, queue] = await Promise.all([readReadiness(), readFacts(), readQueue()])
    const now = new Date()
    const page = statusPage({
      readiness: readiness?.value,
      recent: recent?.value,
      queue,
      nextNightly: nextNightly(now),
      now,
      timeZone,
      requestsPerMinute: Math.min(config.requestsPerMinute, 60 * config.requestsPerSecond),
      refreshes: query.refresh !== 'off',
    })
    return reply.headers(HEADERS).send(page)
  })
  return listen(server, { host, port, variables: 'STATUS' })
}

/**
 * Refuses requests for another host name, because a website could let its own name point to this machine (DNS rebinding). In
 * a browser on this machine, its script could then read the page.
 */
async function requireLoopbackName({ hostname }: FastifyRequest, reply: FastifyReply) {
  if (isLoopback(hostname)) return
  return reply
    .code(421)
    .send(
      `This address is for this machine alone. Open it as localhost, or let the proxy set the header Host to localhost. It was ${JSON.stringify(hostname)}.\n`,
    )
}

/** The next time of the schedule. The search examines each minute, so its result is used until that time. */
function createNextTime(time: CronTime): (now: Date) => Date | null {
  let next: Date | null = null
  let validUntil = new Date(0)
  return (now) => {
    if (now >= validUntil) {
      next = nextCronTime({ ...time, now })
      validUntil = next ?? new Date(now.getTime() + HOUR_MS)
    }
    return next
  }
}

const HOUR_MS = 3_600_000

const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const
