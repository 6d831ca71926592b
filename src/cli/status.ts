import { Command } from '@commander-js/extra-typings'
import type { readNewestTimestamp } from '../compliance/timestamp/read-newest.ts'
import type { LastVerification } from '../compliance/verify/verifications.ts'
import type { Status, Stuck } from '../pipeline/queue/status.ts'
import {
  type Examined,
  type Problem,
  problemsOf,
  remarksOn,
  sinceSuccess,
} from '../operations/status/problems.ts'
import { counted, durationText, textTable } from '../platform/terminal/text.ts'
import { asCalled } from '../platform/called-as.ts'
import { print, printJson, printSuccess } from '../platform/terminal/output.ts'
import { timeText } from '../platform/time.ts'
import { printable } from '../platform/text.ts'
import { openDatabase } from './open-app.ts'
import { printChanges, printResult } from './print-result.ts'

/** The rest is in the table identifai.identifiers. */
const STUCK_SHOWN = 100

export function statusCommand() {
  return new Command('status')
    .description('print the queue: tracked and due identifiers, problems, and the last runs')
    .option('--stuck', `list the identifiers that need attention, at most ${STUCK_SHOWN}, and why`)
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nNeeds DATABASE_URL only, and sends no request.')
    .action(async (options) => {
      const { parseScheduleConfig } = await import('../platform/config/daemon-config.ts')
      const { nextCronTime } = await import('../operations/daemon/cron.ts')
      const { readEnvironment } = await import('../platform/config/environment.ts')
      const { readNewestTimestamp } = await import('../compliance/timestamp/read-newest.ts')
      const { readPause } = await import('../pipeline/api/pause.ts')
      const { readStatus, readStuck } = await import('../pipeline/queue/status.ts')
      const { readLastVerification } = await import('../compliance/verify/verifications.ts')
      const { readWebhookFailure } = await import('../operations/webhook/position.ts')
      await using app = await openDatabase()
      if (options.stuck) {
        const stuck = await readStuck(app.db, STUCK_SHOWN)
        if (stuck.length === 0) return printChanges(options, stuck, 'Nothing is stuck.')
        return printResult(options, stuck, asCalled(stuck.map(describeStuck).join('\n\n')))
      }
      const { environment } = readEnvironment()
      const { schedule: expression, timezone } = parseScheduleConfig(environment)
      const next_nightly_at = nextCronTime({ expression, timeZone: timezone, now: new Date() })
      const paused_until = await readPause(app.db)
      const newest_timestamp = await readNewestTimestamp(app.db)
      const last_verification = await readLastVerification(app.db)
      const webhook_failure = await readWebhookFailure(app.db)
      const own = { paused_until, next_nightly_at, newest_timestamp, last_verification, webhook_failure }
      const status = { ...(await readStatus(app.db)), ...own }
      if (options.json) return printJson(status)
      const problems = describeProblems(status)
      if (problems !== null) print(problems)
      const expectsTimestamps = Boolean(environment.SEAL_TIMESTAMP_URL || environment.SEAL_TIMESTAMP_URL_FILE)
      printSuccess(describeStatus(status, expectsTimestamps))
    })
}

/** The status, with the facts of problems, the time of the next nightly run and the newest timestamp. */
interface Described extends Status, Examined {
  readonly next_nightly_at: Date | null
  readonly newest_timestamp: Awaited<ReturnType<typeof readNewestTimestamp>>
}

/** The problems that need attention, for people; null without any. */
export function describeProblems(status: Described): string | null {
  const problems = problemsOf(status).map((problem) => `- ${asCalled(problemText(problem))}`)
  return problems.length === 0 ? null : ['Needs attention:', ...problems, ''].join('\n')
}

function problemText({ text, details, remedy }: Problem): string {
  const help = remedy === null ? [] : [`${remedy.purpose}: ${remedy.command}`]
  return details.length === 0
    ? [text, ...help].join(' ')
    : [text, ...details.map((detail) => `    ${detail}`), ...help.map((line) => `  ${line}`)].join('\n')
}

/**
 * The figures for people; --json has all of them.
 *
 * @param expectsTimestamps States that there is no timestamp yet.
 */
export function describeStatus(status: Described, expectsTimestamps = false): string {
  if (status.tracked.length === 0) {
    return asCalled('Nothing is tracked yet. Add identifiers with: identifai-sync enqueue <id...>')
  }
  const next = status.next_due_at ? ` The next one is due at ${timeText(status.next_due_at)}.` : ''
  const lines = [
    ...(problemsOf(status).length === 0 ? ['Nothing needs attention.', ''] : []),
    textTable(
      status.tracked.map(({ state, identifiers, with_error }) => ({ state, identifiers, with_error })),
    ),
    '',
    `${counted(status.due, 'identifier')} due now, ${counted(status.leased, 'identifier')} leased by a run.${next}`,
    ...lastRuns(status.last_runs),
    ...newestTimestamp(status, expectsTimestamps),
    ...lastVerification(status.last_verification),
  ]
  if (status.next_nightly_at) {
    const text = 'With SYNC_SCHEDULE as it is set here, a daemon starts the next nightly run at'
    lines.push('', `${text} ${timeText(status.next_nightly_at)}.`)
  }
  return lines.join('\n')
}

function newestTimestamp({ newest_timestamp: newest }: Described, expectsTimestamps: boolean): string[] {
  if (newest !== null) {
    const age = durationText(newest.age_seconds / 60)
    return ['', `The newest timestamp of the chain is ${age} old (chain position ${newest.chain_position}).`]
  }
  return expectsTimestamps ? ['', 'The chain has no timestamp yet.'] : []
}

function lastVerification(last: LastVerification): string[] {
  if (last === null) return []
  const { started_at, runs, classifications, findings } = last
  const subject = `${counted(runs, 'sealed run')} and the tables of ${counted(classifications, 'classification')}`
  return [
    '',
    `Last verification: ${timeText(started_at)}, of ${subject}, with ${counted(findings, 'finding')}.`,
  ]
}

function lastRuns(runs: Status['last_runs']): string[] {
  if (runs.length === 0) return []
  const table = textTable(
    runs.map(({ started_at: started, seconds, trigger, status, claimed, requests, changed }) => {
      const took = durationText(seconds / 60)
      return { started, took, trigger, status, claimed, requests, changed }
    }),
  )
  const remarks = remarksOn(runs.slice(sinceSuccess(runs).length)).map(asCalled)
  return ['', table, ...(remarks.length > 0 ? ['', ...remarks] : [])]
}

function describeStuck({ identifier, state, attempts, absences, due_at, last_error }: Stuck): string {
  const counts = [
    ...(attempts > 0 ? [counted(attempts, 'failed request')] : []),
    ...(absences > 0 ? [`not returned ${counted(absences, 'time')}`] : []),
    due_at ? `due ${timeText(due_at)}` : 'not due until it is requeued',
  ]
  const reason = last_error === null ? 'The reason is not recorded.' : printable(last_error)
  return `${printable(identifier)}\n  ${state}, ${counts.join(', ')}\n  ${reason}`
}
