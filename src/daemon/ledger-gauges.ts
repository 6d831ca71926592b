import type { Kysely } from 'kysely'
import { Gauge, type Registry } from 'prom-client'
import type { Database } from '../db/database.ts'
import { IDENTIFIER_STATES } from '../db/tables/identifiers.ts'
import type { Logger } from '../logger.ts'
import { readLastSuccess } from './last-success.ts'
import { LANES, type LedgerReading, readLedger } from './read-ledger.ts'

/** A reading is used this long; and a slow one for as many times the time that it took. */
const LEAST_AGE_MS = 1000
const AGE_PER_COST = 20

interface Reading {
  readonly ledger: LedgerReading
  readonly lastSuccess: Date | null
}

/** A value under its labels; what is null is not known, and not shown: zero would say that all is well. */
type Sample = readonly [labels: Readonly<Record<string, string>>, value: number | null]

interface LedgerGauge {
  readonly name: string
  readonly help: string
  readonly label?: string
  readonly samples: (reading: Reading) => readonly Sample[]
}

const GAUGES: readonly LedgerGauge[] = [
  {
    name: 'identifiers',
    help: 'Tracked identifiers by state.',
    label: 'state',
    samples: ({ ledger }) => IDENTIFIER_STATES.map((state) => [{ state }, ledger.byState[state] ?? 0]),
  },
  {
    name: 'identifiers_due',
    help: 'Identifiers due now, by who asks for them: fresh passes, or the nightly sweep.',
    label: 'lane',
    samples: ({ ledger }) => LANES.map((lane) => [{ lane }, ledger.lanes[lane].due]),
  },
  {
    name: 'oldest_due_age_seconds',
    help: 'How long what has been due longest has been due; 0 when nothing is due.',
    label: 'lane',
    samples: ({ ledger }) => LANES.map((lane) => [{ lane }, ledger.lanes[lane].oldestDueSeconds]),
  },
  {
    name: 'identifiers_overdue',
    help: 'Identifiers due for longer than HTTP_READY_MAX_AGE_HOURS.',
    samples: ({ ledger }) => [[{}, ledger.overdue]],
  },
  {
    name: 'oldest_confirmation_timestamp_seconds',
    help: 'Of all that has a result, the confirmation that is longest ago; absent when nothing has.',
    samples: ({ ledger }) => [[{}, seconds(ledger.oldestConfirmation)]],
  },
  {
    name: 'last_success_timestamp_seconds',
    help: 'When the last pass ended, of any process, that asked for all that was due; absent before the first.',
    samples: ({ lastSuccess }) => [[{}, seconds(lastSuccess)]],
  },
]

export interface LedgerGaugesOptions {
  readonly registry: Registry
  readonly db: () => Kysely<Database>
  readonly logger: Logger
  /** What is due for longer is overdue. */
  readonly overdueHours: number
}

/** Gauges of the ledger, read from the database when they are scraped; when it does not answer they are absent. */
export function registerLedgerGauges(options: LedgerGaugesOptions): void {
  const read = createReader(options)
  for (const { name, help, label, samples } of GAUGES) {
    const gauge = new Gauge({
      name: `identifai_sync_${name}`,
      help,
      labelNames: label === undefined ? [] : [label],
      registers: [],
      async collect() {
        const reading = await read()
        this.reset()
        if (label === undefined) this.remove()
        for (const [labels, value] of reading ? samples(reading) : []) {
          if (value !== null) this.set(labels, value)
        }
      },
    })
    options.registry.registerMetric(gauge)
  }
  const up = new Gauge({
    name: 'identifai_sync_database_up',
    help: '1 when the database answered, else 0.',
    registers: [],
    async collect() {
      this.set((await read()) ? 1 : 0)
    },
  })
  options.registry.registerMetric(up)
}

function seconds(time: Date | null): number | null {
  return time && time.getTime() / 1000
}

/** Reads one at a time, and rarely enough; undefined when the database does not answer. */
function createReader({ db, logger, overdueHours }: LedgerGaugesOptions): () => Promise<Reading | undefined> {
  let reading: Promise<Reading | undefined> | undefined
  let freshUntil = 0
  const readNow = async () => {
    const startedAt = performance.now()
    try {
      return { ledger: await readLedger(db(), overdueHours), lastSuccess: await readLastSuccess(db()) }
    } catch (err) {
      logger.warn({ err }, 'the database cannot be measured')
      return undefined
    } finally {
      const now = performance.now()
      freshUntil = now + Math.max(LEAST_AGE_MS, (now - startedAt) * AGE_PER_COST)
    }
  }
  return () => {
    if (!reading || performance.now() >= freshUntil) {
      freshUntil = Number.POSITIVE_INFINITY
      reading = readNow()
    }
    return reading
  }
}
