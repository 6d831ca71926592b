import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { RunTrigger } from '../../platform/postgres/tables/runs.ts'
import { emptyTally, type Tally } from '../../pipeline/run/rules/tally.ts'
import type { Telemetry } from '../../platform/telemetry.ts'
import { VERSION } from '../../platform/version.ts'

/** Seconds within which requests have ended; the last bound is the default time-out of a whole answer. */
const REQUEST_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30]

/** What this process counts, in Prometheus' terms; docs/operations.md says what each means. */
export interface Metrics {
  readonly registry: Registry
  readonly telemetry: Telemetry
  /** Counts what a pass has done; call the result with its tally as it grows, and at its end. */
  observeRun(): (tally: Readonly<Tally>) => void
  runEnded(trigger: RunTrigger, status: string, seconds: number): void
}

/** The counters of a pass that are counted over all passes: their names here, and what they count. */
const COUNTED = {
  claimed: ['identifiers_claimed', 'Identifiers claimed to be asked for.'],
  not_returned: ['identifiers_not_returned', 'Identifiers that an answer left out.'],
  changed: ['contents_changed', 'Contents that were new or different, each of them a revision.'],
  unchanged: ['contents_unchanged', 'Answers with the content that was known.'],
  quarantined: ['records_quarantined', 'Records set aside because they do not fit the contract.'],
  force_changes: ['force_changes', 'Changes of a forced label.'],
} as const satisfies Partial<Record<keyof Tally, readonly [name: string, help: string]>>

export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const createCounter = (name: string, help: string) =>
    new Counter({ name: `identifai_sync_${name}_total`, help, registers })
  collectDefaultMetrics({ register: registry })
  new Gauge({
    name: 'identifai_sync_build_info',
    help: 'Always 1; its version is this one.',
    labelNames: ['version'],
    registers,
  }).set({ version: VERSION }, 1)
  const requests = new Counter({
    name: 'identifai_sync_requests_total',
    help: 'Requests that have ended, by class of status: 2xx to 5xx, or none where no answer came.',
    labelNames: ['status_class'],
    registers,
  })
  const requestSeconds = new Histogram({
    name: 'identifai_sync_request_duration_seconds',
    help: 'How long requests took, their whole answers included.',
    buckets: REQUEST_BUCKETS,
    registers,
  })
  const quotaSeconds = createCounter(
    'quota_wait_seconds',
    'Time that requests have waited for their slots of the quota.',
  )
  const retries = createCounter('retries', 'Requests that were repeated, those over the quota included.')
  const throttled = createCounter('throttled', 'Answers that said the quota is used up (429).')
  const rows = createCounter('rows_written', 'Rows of content and history that were committed.')
  const runs = new Counter({
    name: 'identifai_sync_runs_total',
    help: 'Passes of this process that have ended.',
    labelNames: ['trigger', 'status'],
    registers,
  })
  const runSeconds = new Gauge({
    name: 'identifai_sync_last_run_duration_seconds',
    help: 'How long the last pass of a kind took.',
    labelNames: ['trigger'],
    registers,
  })
  const counters = Object.entries(COUNTED).map(([column, [name, help]]) => ({
    column: column as keyof typeof COUNTED,
    counter: createCounter(name, help),
  }))
  // What has not happened yet is zero, not absent: increase() does not see a counter begin.
  for (const status_class of ['2xx', '3xx', '4xx', '5xx', 'none']) requests.inc({ status_class }, 0)
  for (const trigger of ['nightly', 'fresh'] as const) {
    for (const status of ['succeeded', 'partial', 'failed', 'interrupted'] as const)
      runs.inc({ trigger, status }, 0)
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
    },
    observeRun: () => {
      let seen: Readonly<Tally> = emptyTally()
      return (tally) => {
        for (const { column, counter } of counters) counter.inc(tally[column] - seen[column])
        seen = { ...tally }
      }
    },
    runEnded: (trigger, status, seconds) => {
      runs.inc({ trigger, status })
      runSeconds.set({ trigger }, seconds)
    },
  }
}
