import { Command } from '@commander-js/extra-typings'
import type { Status } from '../status/read-status.ts'
import type { Stuck } from '../status/read-stuck.ts'
import { counted, print, printJson } from '../terminal/print.ts'
import { textTable, timeText } from '../terminal/text-table.ts'
import { openDatabase } from './open-app.ts'

/** More are for SQL: they stand in identifai.identifiers. */
const STUCK_SHOWN = 100

export function statusCommand() {
  return new Command('status')
    .description('what is tracked, what is due, what is stuck and why, and the last runs')
    .option('--stuck', `list what is stuck, at most ${STUCK_SHOWN}, and why`)
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nNeeds DATABASE_URL only; asks the API nothing.')
    .action(async (options) => {
      const { parseScheduleConfig } = await import('../daemon/daemon-config.ts')
      const { nextSlot } = await import('../daemon/next-slot.ts')
      const { readEnvironment } = await import('../config.ts')
      const { readStatus } = await import('../status/read-status.ts')
      const { readStuck } = await import('../status/read-stuck.ts')
      await using app = await openDatabase()
      if (options.stuck) {
        const stuck = await readStuck(app.db, STUCK_SHOWN)
        if (options.json) printJson(stuck)
        else print(stuck.map(describeStuck).join('\n\n') || 'Nothing is stuck.')
        return
      }
      const { schedule: expression, timeZone } = parseScheduleConfig(readEnvironment())
      const next_night_at = nextSlot({ expression, timeZone, now: new Date() })
      const status = { ...(await readStatus(app.db)), next_night_at }
      if (options.json) printJson(status)
      else print(describeStatus(status))
    })
}

function describeStatus(status: Status & { readonly next_night_at: Date | null }): string {
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
    status.last_runs.length === 0
      ? 'No pass has run yet. Start one with: identifai-sync sync'
      : textTable(
          status.last_runs.map(({ started_at, error, ...run }) => ({
            started: started_at,
            ...run,
            error: short(error),
          })),
        ),
    ...(status.next_night_at
      ? ['', `The next nightly pass of a daemon, by SYNC_SCHEDULE: ${timeText(status.next_night_at)}.`]
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

function describeStuck({ identifier, state, attempts, absences, due_at, last_error }: Stuck): string {
  const counts = [
    ...(attempts > 0 ? [`lost ${counted(attempts, 'time')}`] : []),
    ...(absences > 0 ? [`left out ${counted(absences, 'time')}`] : []),
    due_at ? `due ${timeText(due_at)}` : 'not due until it is requeued',
  ]
  return `${identifier}\n  ${state}, ${counts.join(', ')}\n  ${last_error ?? 'No reason is known.'}`
}

/** Long texts would break the table; --json has them whole. */
function short(text: string | null): string | null {
  return text !== null && text.length > 60 ? `${text.slice(0, 59)}…` : text
}
