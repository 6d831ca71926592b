import type { RunStatusLine, Status } from '../pipeline/queue/read-status.ts'
import { printable } from '../platform/printable.ts'
import { counted } from '../platform/terminal/print.ts'
import { textTable, timeText } from '../platform/terminal/text-table.ts'
import { durationText } from '../platform/terminal/duration-text.ts'

/** A run shows that it lives every third of a lease, which lasts two minutes unless configured otherwise. */
const SILENT_AFTER_SECONDS = 120

/** Where everything stands, for a person; every figure of it is in --json. */
export function describeStatus(status: Status & { readonly next_nightly_at: Date | null }): string {
  if (status.tracked.length === 0) {
    return 'Nothing is tracked yet. Add identifiers with: identifai-sync enqueue <id...>'
  }
  const next = status.next_due_at ? ` The next one is due at ${timeText(status.next_due_at)}.` : ''
  return [
    textTable(
      status.tracked.map(({ state, identifiers, with_error }) => ({ state, identifiers, with_error })),
    ),
    '',
    ...reasons(status),
    `${counted(status.due, 'identifier')} due now, ${counted(status.leased, 'identifier')} being asked.${next}`,
    '',
    ...lastRuns(status.last_runs),
    ...(status.next_nightly_at
      ? [
          '',
          `A daemon with the SYNC_SCHEDULE that is set here, or its default, runs its next night at ${timeText(status.next_nightly_at)}.`,
        ]
      : []),
  ].join('\n')
}

/** Whole, because the end of a reason often says what to do. */
function reasons({ tracked }: Status): string[] {
  const stuck = tracked.filter(({ common_error }) => common_error !== null)
  if (stuck.length === 0) return []
  return [
    ...stuck.map(({ state, common_error }) => `${state}, most often: ${common_error}`),
    'Each of them: identifai-sync status --stuck',
    '',
  ]
}

function lastRuns(runs: readonly RunStatusLine[]): string[] {
  if (runs.length === 0)
    return ['No pass has ended or is under way: sync runs one, schedule runs them by the clock.']
  const table = textTable(
    runs.map(({ started_at, trigger, status, seconds, claimed, requests, changed }) => ({
      started: started_at,
      took: durationText(seconds / 60),
      trigger,
      status,
      claimed,
      requests,
      changed,
    })),
  )
  const remarks = runs.flatMap((run) =>
    remarksOn(run).map((remark) => `${timeText(run.started_at)}: ${remark}`),
  )
  return [table, ...(remarks.length > 0 ? ['', ...remarks] : [])]
}

function remarksOn({ seconds_since_heartbeat, error }: RunStatusLine): string[] {
  const told = error === null ? [] : [printable(error)]
  if (seconds_since_heartbeat === null) return told
  const life = `its last sign of life was ${durationText(seconds_since_heartbeat / 60)} ago`
  return seconds_since_heartbeat <= SILENT_AFTER_SECONDS
    ? [life, ...told]
    : [`${life}: its process has died, or lost the database; the next pass closes it`, ...told]
}
