import { setTimeout as sleep } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import { Gauge, type Registry } from 'prom-client'
import type { Database } from '../../platform/postgres/database.ts'
import { IDENTIFIER_STATES } from '../../platform/postgres/tables/queue.ts'
import type { Logger } from '../../platform/logger.ts'
import { readLastSuccess } from './last-success.ts'
import { DUE_BY, type QueueReading, readQueue } from './read-queue.ts'

/** A reading is used this long; and a slow one for as many times the time that it took. */
const LEAST_AGE_MS = 1000
const AGE_PER_COST = 20

/** Whoever scrapes gives up after ten seconds, mostly; before that it gets the reading before. */
const TIMEOUT_MS = 3000

/** A value under its labels; what is null is not known, and not shown: zero would say that all is well. */
type Sample = readonly [labels: Readonly<Record<string, string>>, value: number | null]

interface QueueGauge {
  readonly name: string
  readonly help: string
  readonly label?: string
  readonly samples: (ledger: QueueReading) => readonly Sample[]
}

const GAUGES: readonly QueueGauge[] = [
  {
    name: 'identifiers',
    help: 'Tracked identifiers by state.',
    label: 'state',
    samples: ({ byState }) => IDENTIFIER_STATES.map((state) => [{ state }, byState[state] ?? 0]),
  },
  {
    name: 'identifiers_due',
    help: 'Identifiers due now, by who asks for them: fresh passes, or the nightly sweep.',
    label: 'due_by',
    samples: ({ dueBy }) => DUE_BY.map((due_by) => [{ due_by }, dueBy[due_by].due]),
  },
  {
    name: 'oldest_due_age_seconds',
    help: 'How long what has been due longest has been due; 0 when nothing is due.',
    label: 'due_by',
    samples: ({ dueBy }) => DUE_BY.map((due_by) => [{ due_by }, dueBy[due_by].oldestDueSeconds]),
  },
  {
    name: 'identifiers_overdue',
    help: 'Identifiers due for longer than HTTP_READY_MAX_AGE_HOURS.',
    samples: ({ overdue }) => [[{}, overdue]],
  },
  {
    name: 'oldest_confirmation_timestamp_seconds',
    help: 'Of all that has a result, the confirmation that is longest ago; absent when nothing has.',
    samples: ({ oldestConfirmation }) => [[{}, seconds(oldestConfirmation)]],
  },
]

export interface QueueGaugesOptions {
  readonly registry: Registry
  /** Answers at once, or is down. */
  readonly db: () => Kysely<Database>
  /** May take its time: the whole ledger is read. */
  readonly metricsDb: () => Kysely<Database>
  readonly logger: Logger
  /** What is due for longer is overdue. */
  readonly overdueHours: number
}

/** Gauges of the ledger, read from the database when they are scraped; when it does not answer they are absent. */
export function registerQueueGauges({ registry, logger, ...options }: QueueGaugesOptions): void {
  const readWhole = createReader(() => readQueue(options.metricsDb(), options.overdueHours), logger)
  for (const { name, help, label, samples } of GAUGES) {
    const gauge = new Gauge({
      name: `identifai_sync_${name}`,
      help,
      labelNames: label === undefined ? [] : [label],
      registers: [],
      async collect() {
        const ledger = await readWhole()
        show(this, ledger ? samples(ledger) : [])
      },
    })
    registry.registerMetric(gauge)
  }
  const readRuns = createReader(async () => ({ lastSuccess: await readLastSuccess(options.db()) }), logger)
  const lastSuccess = new Gauge({
    name: 'identifai_sync_last_success_timestamp_seconds',
    help: 'When the last pass ended, of any process, that asked for all that was due; absent before the first.',
    registers: [],
    async collect() {
      const runs = await readRuns()
      show(this, runs ? [[{}, seconds(runs.lastSuccess)]] : [])
    },
  })
  const up = new Gauge({
    name: 'identifai_sync_database_up',
    help: '1 when the database answered, else 0.',
    registers: [],
    async collect() {
      this.set((await readRuns()) ? 1 : 0)
    },
  })
  for (const gauge of [lastSuccess, up]) registry.registerMetric(gauge)
}

/** Shows these samples and no others. */
function show(gauge: Gauge, samples: readonly Sample[]): void {
  gauge.reset()
  // One without labels is 0 after a reset.
  gauge.remove({})
  for (const [labels, value] of samples) {
    if (value !== null) gauge.set(labels, value)
  }
}

function seconds(time: Date | null): number | null {
  return time && time.getTime() / 1000
}

/**
 * Reads one at a time, and rarely enough; undefined when the database does not answer. While a reading takes long, those
 * who ask get the one before.
 */
function createReader<Reading>(
  read: () => Promise<Reading>,
  logger: Logger,
): () => Promise<Reading | undefined> {
  let last: Reading | undefined
  let underWay: Promise<void> | undefined
  let freshUntil = 0
  const readNow = async () => {
    const startedAt = performance.now()
    try {
      last = await read()
    } catch (err) {
      logger.warn({ err }, 'queue metrics query failed')
      last = undefined
    }
    const now = performance.now()
    freshUntil = now + Math.max(LEAST_AGE_MS, (now - startedAt) * AGE_PER_COST)
    underWay = undefined
  }
  return async () => {
    if (performance.now() >= freshUntil) underWay ??= readNow()
    if (underWay) await Promise.race([underWay, sleep(TIMEOUT_MS, undefined, { ref: false })])
    return last
  }
}
