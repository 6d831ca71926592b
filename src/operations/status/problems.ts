import type { LastVerification } from '../../compliance/verify/verifications.ts'
import type { Status } from '../../pipeline/queue/status.ts'
import { counted, durationText } from '../../platform/terminal/text.ts'
import { printable, withFullStop } from '../../platform/text.ts'
import { timeText } from '../../platform/time.ts'

/** Something that needs the attention of a person, and the command that helps. */
export interface Problem {
  /** One or more sentences. */
  readonly text: string
  readonly details: readonly string[]
  /** The purpose of the command, as the beginning of a sentence, and the command; null where nothing has to be done. */
  readonly remedy: { readonly purpose: string; readonly command: string } | null
}

/** The part of the status that problems come from. */
export interface Examined extends Pick<Status, 'tracked' | 'last_runs'> {
  readonly paused_until: Date | null
  readonly last_verification: LastVerification
  readonly webhook_failure: { readonly failing_since: Date; readonly last_error: string } | null
}

type LastRun = Status['last_runs'][number]

/** A run records a heartbeat every third of a lease, which lasts two minutes unless configured otherwise. */
const SILENT_AFTER_SECONDS = 120

/** The problems of verifications, of runs since the last success, and of identifiers. None before anything is tracked. */
export function problemsOf(status: Examined): Problem[] {
  return status.tracked.length === 0
    ? []
    : [
        ...problemsOfVerification(status),
        ...problemsOfRuns(status),
        ...problemsOfWebhook(status),
        ...problemsOfIdentifiers(status),
      ]
}

function problemsOfVerification({ last_verification: last }: Examined): Problem[] {
  if (last === null || last.findings === 0) return []
  return [
    {
      text: `The verification of ${timeText(last.started_at)} has ${counted(last.findings, 'finding')}, of which the first are:`,
      details: last.first_findings?.split('\n') ?? [],
      remedy: { purpose: 'To list all of them', command: 'identifai-sync report verify --tables' },
    },
  ]
}

function problemsOfRuns({ last_runs: runs, paused_until }: Examined): Problem[] {
  const problems = remarksOn(sinceSuccess(runs)).map((text) => simple(text))
  if (runs.length === 0) {
    problems.push(
      simple('No run has started yet.', { purpose: 'Start one with', command: 'identifai-sync sync' }),
    )
  }
  if (paused_until !== null) {
    problems.push(
      simple(
        `Requests are paused until ${timeText(paused_until)}, because the API requested it or other processes wait for slots.`,
        { purpose: 'If the API is wrong, end the pause with', command: 'identifai-sync resume' },
      ),
    )
  }
  return problems
}

function problemsOfWebhook({ webhook_failure: failure }: Examined): Problem[] {
  if (failure === null) return []
  const { failing_since: since, last_error: error } = failure
  return [
    simple(
      `The receiver of FORCE_WEBHOOK_URL has accepted no notification since ${timeText(since)}: ${withFullStop(printable(error))} Check it. The daemon repeats the notification until it is accepted.`,
    ),
  ]
}

function problemsOfIdentifiers({ tracked }: Examined): Problem[] {
  return tracked.flatMap(({ state, with_error, common_error: error }) => {
    if (error === null) return []
    const cause = withFullStop(printable(error))
    const remedy = { purpose: 'To list them', command: 'identifai-sync status --stuck' }
    return [simple(`${counted(with_error, `${state} identifier`)}, most often because: ${cause}`, remedy)]
  })
}

export function simple(text: string, remedy: Problem['remedy'] = null): Problem {
  return { text, details: [], remedy }
}

/** The runs, the latest first, that no success has followed. */
export function sinceSuccess(runs: readonly LastRun[]): readonly LastRun[] {
  const success = runs.findIndex(({ status }) => status === 'succeeded' || status === 'partial')
  return success === -1 ? runs : runs.slice(0, success)
}

/** Remarks on runs that are silent, or ended with an error. The error is complete, because its end often has the remedy. */
export function remarksOn(runs: readonly LastRun[]): string[] {
  return runs.flatMap(({ started_at, status, seconds_since_heartbeat: silent, error }) => {
    const name = `The run of ${timeText(started_at)}`
    if (silent !== null && silent > SILENT_AFTER_SECONDS)
      return [
        `${name} recorded its last heartbeat ${durationText(silent / 60)} ago, because its process died or lost the database. The next run closes it.`,
      ]
    return error === null
      ? []
      : [`${name} ${status === 'failed' ? 'failed' : `was ${status}`}: ${printable(error)}`]
  })
}
