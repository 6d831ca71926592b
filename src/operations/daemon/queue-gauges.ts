import type { Kysely } from 'kysely'
import { Gauge, type Registry } from 'prom-client'
import { readLastVerification } from '../../compliance/verify/verifications.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { IDENTIFIER_STATES } from '../../platform/postgres/tables/queue.ts'
import type { Logger } from '../../platform/logger.ts'
import { readNewestTimestamp } from '../../compliance/timestamp/read-newest.ts'
import { readWebhookFailingSeconds } from '../webhook/position.ts'
import { createReader } from './create-reader.ts'
import { readLastSuccess } from './last-runs.ts'
import { type QueueReading, readQueue } from './read-queue.ts'
import { SCHEDULED_TRIGGERS } from './schedule.ts'

/** Prometheus gives up after ten seconds by default. A scrape that waits longer than this gets the previous reading. */
const SCRAPE_WAIT_MS = 3000

/** A value and its labels. A null value is unknown and left out, because zero would mean that all is well. */
type Sample = readonly [labels: Readonly<Record<string, string>>, value: number | null]

interface QueueGauge {
  readonly name: string
  readonly help: string
  readonly label?: string
  readonly samples: (queue: QueueReading) => readonly Sample[]
}

const QUEUE_GAUGES: readonly QueueGauge[] = [
  {
    name: 'identifiers',
    help: 'Tracked identifiers by state.',
    label: 'state',
    samples: ({ identifiersIn }) => IDENTIFIER_STATES.map((state) => [{ state }, identifiersIn(state)]),
  },
  {
    name: 'identifiers_due',
    help: 'Identifiers due now: those that fresh runs request, and those that only a nightly run requests.',
    label: 'due_by',
    samples: ({ dueBy }) => SCHEDULED_TRIGGERS.map((due_by) => [{ due_by }, dueBy[due_by].due]),
  },
  {
    name: 'oldest_due_age_seconds',
    help: 'Time since the longest due identifier became due; 0 when none is due.',
    label: 'due_by',
    samples: ({ dueBy }) => SCHEDULED_TRIGGERS.map((due_by) => [{ due_by }, dueBy[due_by].oldestDueSeconds]),
  },
  {
    name: 'identifiers_overdue',
    help: 'Identifiers due for longer than HTTP_READY_MAX_AGE_HOURS.',
    samples: ({ overdue }) => [[{}, overdue]],
  },
  {
    name: 'oldest_confirmation_timestamp_seconds',
    help: 'Oldest confirmation of a finished identifier; absent when none is finished.',
    samples: ({ oldestConfirmation }) => [[{}, seconds(oldestConfirmation)]],
  },
  {
    name: 'undocumented_status_timestamp_seconds',
    help: 'Last time that new content had a status that is not documented; absent when none had.',
    samples: ({ undocumentedStatusAt }) => [[{}, seconds(undocumentedStatusAt)]],
  },
]

const NEWEST_TOKEN =
  'Time at which the newest timestamp of the chain was received; before the first, the start of the daemon.'

interface QueueGaugesOptions {
  readonly registry: Registry
  /** For short queries: a query that takes seconds means that the database is down. */
  readonly db: () => Kysely<Database>
  /** For the query over all tracked identifiers, which can take long. */
  readonly metricsDb: () => Kysely<Database>
  readonly logger: Logger
  /** An identifier that has been due for longer is overdue. */
  readonly overdueHours: number
  /** The time that counts before the first timestamp of the chain; null when no authority is configured. */
  readonly timestampsSince: Date | null
  readonly hasWebhook: boolean
  /** The time from which verifications are expected; null when none are. */
  readonly verifiedSince: Date | null
}

/**
 * Registers gauges that read the database when they are scraped. When the database does not respond, `database_up` is 0
 * and the others are absent.
 */
export function registerQueueGauges({ registry, logger, ...options }: QueueGaugesOptions): void {
  const reader = <T>(read: () => Promise<T>) => {
    const readCurrent = createReader(read, {
      waitMs: SCRAPE_WAIT_MS,
      onFailure: (err) => logger.warn({ err }, 'queue metrics query failed'),
    })
    return async () => (await readCurrent())?.value
  }
  const readWholeQueue = reader(() => readQueue(options.metricsDb(), options.overdueHours))
  const readSuccess = reader(() => readLastSuccess(options.db()))
  const readVerification = reader(() => readLastVerification(options.db()))
  const register = (gauge: Omit<QueueGauge, 'samples'>, readSamples: () => Promise<readonly Sample[]>) =>
    new Gauge({
      name: `identifai_sync_${gauge.name}`,
      help: gauge.help,
      labelNames: gauge.label === undefined ? [] : [gauge.label],
      registers: [registry],
      async collect() {
        replaceSamples(this, await readSamples())
      },
    })
  for (const gauge of QUEUE_GAUGES) {
    register(gauge, async () => {
      const queue = await readWholeQueue()
      return queue ? gauge.samples(queue) : []
    })
  }
  const name = 'last_success_timestamp_seconds'
  const help =
    'End of the last successful run, of any process, that requested everything due; absent before the first.'
  register({ name, help }, async () => [[{}, seconds((await readSuccess()) ?? null)]])
  register(
    {
      name: 'last_verification_timestamp_seconds',
      help: 'End of the last verification, of any process. Before the first, the start of the daemon. Absent when verifications are off.',
    },
    async () => {
      const last = await readVerification()
      const isKnown = last !== undefined && options.verifiedSince !== null
      return [[{}, isKnown ? seconds(last?.finished_at ?? options.verifiedSince) : null]]
    },
  )
  register(
    { name: 'verification_findings', help: 'Findings of the last verification; absent before the first.' },
    async () => [[{}, (await readVerification())?.findings ?? null]],
  )
  register({ name: 'database_up', help: '1 when the database responded, else 0.' }, async () => [
    [{}, (await readSuccess()) === undefined ? 0 : 1],
  ])
  const { timestampsSince, hasWebhook } = options
  if (hasWebhook) {
    const readFailing = reader(() => readWebhookFailingSeconds(options.db()))
    register(
      {
        name: 'webhook_failing_seconds',
        help: 'Time since the first failure after the last accepted notification; 0 without one, and absent without a webhook.',
      },
      async () => [[{}, (await readFailing()) ?? null]],
    )
  }
  if (timestampsSince === null) return
  const readNewest = reader(() => readNewestTimestamp(options.db()))
  register({ name: 'newest_token_timestamp_seconds', help: NEWEST_TOKEN }, async () => {
    const newest = await readNewest()
    return newest === undefined ? [] : [[{}, seconds(newest?.received_at ?? timestampsSince)]]
  })
}

/** Replaces all samples of a gauge. */
function replaceSamples(gauge: Gauge, samples: readonly Sample[]): void {
  gauge.reset()
  // A gauge without labels is 0 after a reset, and has to be absent.
  gauge.remove({})
  for (const [labels, value] of samples) {
    if (value !== null) gauge.set(labels, value)
  }
}

function seconds(time: Date | null): number | null {
  return time && time.getTime() / 1000
}
