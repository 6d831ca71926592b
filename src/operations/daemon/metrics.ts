import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { RUN_STATUSES } from '../../platform/postgres/tables/runs.ts'
import { emptyTally, type Tally } from '../../pipeline/run/rules/tally.ts'
import type { Telemetry } from '../../platform/telemetry.ts'
import { VERSION } from '../../platform/version.ts'
import { SCHEDULED_TRIGGERS, type ScheduledTrigger } from './schedule.ts'

/** Upper bounds in seconds; the last one is the default timeout of a request. */
const REQUEST_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30]

/** The statuses of a run that has ended. */
const END_STATUSES = RUN_STATUSES.filter((status) => status !== 'running')

export type EndStatus = (typeof END_STATUSES)[number]

/** The counters of a tally that are added up over all runs: name and help of the metric. */
const COUNTED = {
  claimed: ['identifiers_claimed', 'Identifiers claimed by runs.'],
  not_returned: ['identifiers_not_returned', 'Identifiers that a response left out.'],
  changed: ['contents_changed', 'New or changed contents, each of them a revision.'],
  unchanged: ['contents_unchanged', 'Records whose content was unchanged.'],
  quarantined: ['records_quarantined', 'Records quarantined because they do not fit the contract.'],
  force_changes: ['force_changes', 'Changes of a forced label.'],
} as const satisfies Partial<Record<keyof Tally, readonly [name: string, help: string]>>

export type Metrics = ReturnType<typeof createMetrics>

/** Metrics of this process for Prometheus. docs/operations.md explains each of them. */
export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  const createCounter = (name: string, help: string, labelNames: readonly string[] = []) =>
    new Counter({ name: `identifai_sync_${name}_total`, help, labelNames, registers })
  collectDefaultMetrics({ register: registry })
  new Gauge({
    name: 'identifai_sync_build_info',
    help: 'Always 1; the label has the version.',
    labelNames: ['version'],
    registers,
  }).set({ version: VERSION }, 1)
  const requests = createCounter(
    'requests',
    'Requests that have ended, by status class: 2xx to 5xx, or none when no response came.',
    ['status_class'],
  )
  const requestSeconds = new Histogram({
    name: 'identifai_sync_request_duration_seconds',
    help: 'Duration of requests, including their whole responses.',
    buckets: REQUEST_BUCKETS,
    registers,
  })
  const quotaSeconds = createCounter('quota_wait_seconds', 'Time that requests have waited for the quota.')
  const retries = createCounter('retries', 'Requests that were repeated, including those over the quota.')
  const throttled = createCounter(
    'throttled',
    'Responses with status 429, which means that the quota is used up.',
  )
  const rows = createCounter('rows_written', 'Rows of content and history that were committed.')
  const runs = createCounter('runs', 'Runs of this process that have ended.', ['trigger', 'status'])
  const runSeconds = new Gauge({
    name: 'identifai_sync_last_run_duration_seconds',
    help: 'Duration of the last run of each trigger.',
    labelNames: ['trigger'],
    registers,
  })
  const counters = Object.entries(COUNTED).map(
    ([column, [name, help]]) => [column as keyof typeof COUNTED, createCounter(name, help)] as const,
  )
  // Counters start at zero instead of absent, because increase() ignores the first value of a counter.
  for (const status_class of ['2xx', '3xx', '4xx', '5xx', 'none']) requests.inc({ status_class }, 0)
  for (const trigger of SCHEDULED_TRIGGERS) {
    for (const status of END_STATUSES) runs.inc({ trigger, status }, 0)
  }
  return {
    registry,
    telemetry: {
      requestEnded: (status, seconds) => {
        requests.inc({ status_class: status === null ? 'none' : `${Math.floor(status / 100)}xx` })
        requestSeconds.observe(seconds)
      },
      requestRepeated: (why) => {
        retries.inc()
        if (why === 'throttled') throttled.inc()
      },
      quotaWaited: (seconds) => quotaSeconds.inc(seconds),
      rowsWritten: (count) => rows.inc(count),
    } satisfies Telemetry,
    /** Starts to count a run. Call the result with the tally of the run as it grows, and at its end. */
    observeRun: () => {
      let counted: Readonly<Tally> = emptyTally()
      return (tally: Readonly<Tally>) => {
        for (const [column, counter] of counters) counter.inc(tally[column] - counted[column])
        counted = { ...tally }
      }
    },
    runEnded: (trigger: ScheduledTrigger, status: EndStatus, seconds: number) => {
      runs.inc({ trigger, status })
      runSeconds.set({ trigger }, seconds)
    },
  }
}
