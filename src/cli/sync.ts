import { Command, InvalidArgumentError } from '@commander-js/extra-typings'
import type { App } from '../app.ts'
import type { RunResult } from '../pipeline/run/execute-run.ts'
import type { Tally } from '../pipeline/run/tally.ts'
import { describePlan } from './describe-plan.ts'
import { openApp } from './open-app.ts'
import { parseDuration } from './parse-duration.ts'
import { count, counted, print, printJson } from '../platform/terminal/print.ts'

export function syncCommand() {
  return new Command('sync')
    .description('one pass: ask the API for every identifier that is due, and load the answers')
    .option('--limit <n>', 'ask for at most this many identifiers', parseLimit)
    .option(
      '--wait <duration>',
      'stay up to this long for unfinished analyses and ask as they come due: 90s, 15m, 2h',
      parseDuration,
    )
    .option('--refresh-all', 'make every finished identifier due first, the one confirmed longest ago first')
    .option('--dry-run', 'say what a pass would ask, without asking or writing anything')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Prints the run; with --json as the table identifai.sync_runs has it.
Exit codes: 0 succeeded, 3 partial (something was quarantined or given back), 4 the API refused the key,
5 database, 7 the pass gave up.

Examples:
  $ identifai-sync sync
  $ identifai-sync sync --limit 1000 --json
  $ identifai-sync sync --wait 15m
  $ identifai-sync sync --refresh-all --dry-run`,
    )
    .action(async (options) => {
      const { EXIT_CODE } = await import('../platform/errors.ts')
      const { listenForInterrupt } = await import('../platform/interrupt.ts')
      const { executeRun } = await import('../pipeline/run/execute-run.ts')
      using interrupt = listenForInterrupt()
      await using app = await openApp()
      if (options.dryRun) return await printDryRun(app, options)

      const progress = await startProgress(app, options)
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
      if (options.json) printJson(result.run)
      else print(describeRun(result))
      if (result.failure !== undefined) throw result.failure
      if (interrupt.exitCode !== undefined) process.exitCode = interrupt.exitCode
      else if (result.run.status === 'partial') process.exitCode = EXIT_CODE.partial
    })
}

/** A line on a terminal; elsewhere nothing, and nothing is counted for it. */
async function startProgress(
  app: App,
  options: { readonly limit?: number | undefined; readonly refreshAll?: true | undefined },
) {
  const { createProgressLine } = await import('../platform/terminal/progress-line.ts')
  const line = createProgressLine(process.stderr)
  if (!line.isShown) return { show: () => {}, clear: line.clear }
  const { readPlan } = await import('../pipeline/plan/read-plan.ts')
  const { progressText } = await import('./progress-text.ts')
  const { identifiers, requests, minutes } = await readPlan(app, {
    includeFinished: options.refreshAll ?? false,
    limit: options.limit,
  })
  const spacingSeconds = (minutes * 60) / Math.max(1, requests)
  const startedAt = performance.now()
  const show = (tally: Readonly<Tally>, more = '') => {
    const elapsedSeconds = (performance.now() - startedAt) / 1000
    line.show(progressText({ tally, total: identifiers, elapsedSeconds, spacingSeconds }) + more)
  }
  return { show, clear: line.clear }
}

async function printDryRun(
  app: App,
  options: {
    readonly limit?: number | undefined
    readonly refreshAll?: true | undefined
    readonly json?: true | undefined
  },
): Promise<void> {
  const { readPlan } = await import('../pipeline/plan/read-plan.ts')
  const plan = await readPlan(app, { includeFinished: options.refreshAll ?? false, limit: options.limit })
  if (options.json) printJson(plan)
  else print([...describePlan(plan), 'Nothing was asked.'].join('\n'))
}

function parseLimit(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1.')
  return Number(text)
}

/** The run in a few lines that a person reads; every figure of it is in --json and in sync_runs. */
function describeRun({ run }: RunResult): string {
  const seconds = ((run.finished_at?.getTime() ?? 0) - run.started_at.getTime()) / 1000
  const outcomes = [
    [run.done, 'done'],
    [run.errored, 'errored'],
    [run.pending, 'still new'],
    [run.not_returned, 'not returned'],
    [run.quarantined, 'quarantined'],
    [run.released, 'given back'],
  ] as const
  const told = outcomes.filter(([number]) => number > 0).map(([number, what]) => `${count(number)} ${what}`)
  const states = [
    [run.done_count, 'done'],
    [run.errored_count, 'errored'],
    [run.pending_count, 'pending'],
    [run.missing_count, 'missing'],
    [run.quarantined_count, 'quarantined'],
    [run.retired_count, 'retired'],
  ] as const
  const lines = [`Run ${run.run_id} ${run.status} after ${seconds.toFixed(1)} s.`]
  if (run.claimed === 0) lines.push('Nothing was due.')
  else {
    const changes = `${counted(run.changed, 'change')}, ${count(run.unchanged)} unchanged`
    lines.push(
      `${counted(run.claimed, 'identifier')} in ${counted(run.requests, 'request')}: ${told.join(', ')}.`,
    )
    lines.push(`${changes}, ${counted(run.force_changes, 'force change')}.`)
  }
  const tracked = states
    .filter(([number]) => number)
    .map(([number, state]) => `${count(number ?? 0)} ${state}`)
  lines.push(
    `Tracked: ${count(run.tracked_count ?? 0)}${tracked.length > 0 ? ` (${tracked.join(', ')})` : ''}.`,
  )
  return lines.join('\n')
}
