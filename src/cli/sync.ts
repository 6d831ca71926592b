import { Command } from '@commander-js/extra-typings'
import type { App } from '../app.ts'
import type { PlanOptions } from '../pipeline/plan/read-plan.ts'
import type { Queue } from '../pipeline/queue/status.ts'
import { finishedClaims, type Tally } from '../pipeline/run/rules/tally.ts'
import { IDENTIFIER_STATES } from '../platform/postgres/tables/queue.ts'
import type { SyncRunRow } from '../platform/postgres/tables/runs.ts'
import { createProgressLine } from '../platform/terminal/output.ts'
import { count, counted, durationText } from '../platform/terminal/text.ts'
import { timeText } from '../platform/time.ts'
import { openApp } from './open-app.ts'
import { parseDuration, parseInteger } from './parse.ts'
import { describePlan } from './plan.ts'
import { printChanges, printResult } from './print-result.ts'

export function syncCommand() {
  return new Command('sync')
    .description('start one run: request every identifier that is due, and load the responses')
    .option('--limit <n>', 'request at most this many identifiers', parseInteger(1, 999_999_999))
    .option(
      '--wait <duration>',
      'wait for unfinished analyses, at most this long (90s, 15m, 2h), and request them when they are due',
      parseDuration,
    )
    .option(
      '--refresh-all',
      'make every finished identifier due first; the oldest confirmation is requested first',
    )
    .option('--dry-run', 'print the requests that a run would send, and send and write nothing')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Prints the counters of the run. With --json it prints the row of identifai.sync_runs.
Exit codes: 0 succeeded, 3 partial (something was quarantined or released), 4 the API refused the key,
5 database, 7 the run gave up.

Examples:
  $ identifai-sync sync
  $ identifai-sync sync --limit 1000 --json
  $ identifai-sync sync --wait 15m
  $ identifai-sync sync --refresh-all --dry-run`,
    )
    .action(async (options) => {
      const { EXIT_CODE } = await import('../platform/errors.ts')
      const { listenForInterrupt } = await import('../platform/interrupt.ts')
      const { readQueue } = await import('../pipeline/queue/status.ts')
      const { executeRun } = await import('../pipeline/run/execute-run.ts')
      using interrupt = listenForInterrupt()
      await using app = await openApp()
      const planned = { includeFinished: options.refreshAll ?? false, limit: options.limit }
      if (options.dryRun) {
        const { readPlan } = await import('../pipeline/plan/read-plan.ts')
        const plan = await readPlan(app, planned)
        return printResult(options, plan, [...describePlan(plan), 'Nothing was requested.'].join('\n'))
      }
      const progress = await startProgress(app, planned)
      const result = await executeRun(app, {
        trigger: 'manual',
        signal: interrupt.signal,
        ...(options.limit !== undefined && { limit: options.limit }),
        ...(options.wait !== undefined && { waitMs: options.wait }),
        ...(options.refreshAll && { refreshAll: true }),
        onProgress: progress.show,
        onWait: (seconds, tally) =>
          progress.show(tally, `, next one due in ${counted(Math.ceil(seconds), 'second')}`),
      })
      progress.clear()
      const { run } = result
      const queue = run.claimed === 0 ? await readQueue(app.db) : undefined
      // A caller that wants to hear of problems only hears of these.
      const printed = run.status === 'succeeded' ? printChanges : printResult
      printed(options, run, describeRun(run, queue))
      if (app.config.sealTimestampUrl.length > 0) {
        const { requestTimestamps } = await import('../compliance/timestamp/request-timestamps.ts')
        await requestTimestamps(app, run, interrupt.signal)
      }
      if (result.failure !== undefined) throw result.failure
      if (interrupt.exitCode !== undefined) process.exitCode = interrupt.exitCode
      else if (run.status === 'partial') process.exitCode = EXIT_CODE.partial
    })
}

/** Shows a progress line on a terminal; elsewhere does nothing, and counts nothing for it. */
async function startProgress(app: App, planned: PlanOptions) {
  const line = createProgressLine(process.stderr)
  if (!line.isShown) return { show: () => {}, clear: line.clear }
  const { readPlan } = await import('../pipeline/plan/read-plan.ts')
  const { identifiers, requests, minutes } = await readPlan(app, planned)
  const spacingSeconds = (minutes * 60) / Math.max(1, requests)
  const startedAt = performance.now()
  const show = (tally: Readonly<Tally>, more = '') => {
    const elapsedSeconds = (performance.now() - startedAt) / 1000
    line.show(progressText({ tally, total: identifiers, elapsedSeconds, spacingSeconds }) + more)
  }
  return { show, clear: line.clear }
}

/** `1,200 of 45,000 identifiers, 98 a second, 99 % of the quota used, 3 changes, 2 retries, 7.4 minutes left` */
export function progressText(progress: {
  readonly tally: Readonly<Tally>
  /** Identifiers that were due at the start; more may come due meanwhile. */
  readonly total: number
  readonly elapsedSeconds: number
  /** Seconds between two slots of the quota. */
  readonly spacingSeconds: number
}): string {
  const { tally, total, elapsedSeconds, spacingSeconds } = progress
  const done = finishedClaims(tally)
  const rate = elapsedSeconds > 0 ? done / elapsedSeconds : 0
  const used = elapsedSeconds > 0 ? Math.min(1, (tally.requests * spacingSeconds) / elapsedSeconds) : 0
  const left = Math.max(0, total - done)
  return [
    `${count(done)} of ${counted(Math.max(total, done), 'identifier')}`,
    `${rate < 10 ? rate.toFixed(1) : count(Math.round(rate))} a second`,
    `${Math.round(used * 100)} % of the quota used`,
    counted(tally.changed, 'change'),
    ...(tally.retries > 0 ? [counted(tally.retries, 'retry', 'retries')] : []),
    ...(rate > 0 && left > 0 ? [`${durationText(left / rate / 60)} left`] : []),
  ].join(', ')
}

/** When a run would find something to request. */
function describeWaiting({ due, leased, waiting, next_due_at: next }: Queue): string {
  return [
    next === null
      ? 'No identifier waits to be due.'
      : `${counted(waiting, 'identifier')} ${waiting === 1 ? 'waits' : 'wait'}, and the next one is due at ${timeText(next)}.`,
    ...(due > 0 ? [`Now ${counted(due, 'identifier is', 'identifiers are')} due.`] : []),
    ...(leased > 0 ? [`Other runs have leased ${counted(leased, 'identifier')}.`] : []),
  ].join(' ')
}

/** The run in a few lines for people; --json and sync_runs have every figure of it. */
export function describeRun(run: SyncRunRow, queue: Queue | undefined): string {
  const seconds = ((run.finished_at?.getTime() ?? 0) - run.started_at.getTime()) / 1000
  const outcomes = listed(OUTCOMES.map((name) => [name, run[name]]))
  const states = listed(IDENTIFIER_STATES.map((name) => [name, run[`${name}_count`]]))
  const lines = [`Run ${run.run_id} ${run.status} after ${seconds.toFixed(1)} s.`]
  if (queue) {
    const nothing = run.status === 'succeeded' ? 'Nothing was due.' : 'Nothing was requested.'
    lines.push(`${nothing} ${describeWaiting(queue)}`)
  } else {
    lines.push(
      `${counted(run.claimed, 'identifier')} in ${counted(run.requests, 'request')}: ${outcomes}.`,
      `${counted(run.changed, 'change')}, ${count(run.unchanged)} unchanged, ${counted(run.force_changes, 'force change')}.`,
    )
  }
  return [...lines, `Tracked: ${count(run.tracked_count ?? 0)}${states ? ` (${states})` : ''}.`].join('\n')
}

const OUTCOMES = ['done', 'errored', 'pending', 'not_returned', 'quarantined', 'released'] as const

/** `3 done, 1 not returned`: the counts that are not 0. */
function listed(counts: readonly (readonly [name: string, number: number | null])[]): string {
  return counts
    .flatMap(([name, number]) => (number ? [`${count(number)} ${name.replace('_', ' ')}`] : []))
    .join(', ')
}
