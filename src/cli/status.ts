import { Command } from '@commander-js/extra-typings'
import type { Stuck } from '../pipeline/queue/read-stuck.ts'
import { counted, print, printJson } from '../platform/terminal/print.ts'
import { timeText } from '../platform/terminal/text-table.ts'
import { describeStatus } from './describe-status.ts'
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
      const { parseScheduleConfig } = await import('../platform/config/daemon-config.ts')
      const { nextCronTime } = await import('../operations/daemon/cron.ts')
      const { readEnvironment } = await import('../platform/config/config.ts')
      const { readStatus } = await import('../pipeline/queue/read-status.ts')
      const { readStuck } = await import('../pipeline/queue/read-stuck.ts')
      await using app = await openDatabase()
      if (options.stuck) {
        const stuck = await readStuck(app.db, STUCK_SHOWN)
        if (options.json) printJson(stuck)
        else print(stuck.map(describeStuck).join('\n\n') || 'Nothing is stuck.')
        return
      }
      const { schedule: expression, timeZone } = parseScheduleConfig(readEnvironment())
      const next_nightly_at = nextCronTime({ expression, timeZone, now: new Date() })
      const status = { ...(await readStatus(app.db)), next_nightly_at }
      if (options.json) printJson(status)
      else print(describeStatus(status))
    })
}

function describeStuck({ identifier, state, attempts, absences, due_at, last_error }: Stuck): string {
  const counts = [
    ...(attempts > 0 ? [`lost ${counted(attempts, 'time')}`] : []),
    ...(absences > 0 ? [`left out ${counted(absences, 'time')}`] : []),
    due_at ? `due ${timeText(due_at)}` : 'not due until it is requeued',
  ]
  return `${identifier}\n  ${state}, ${counts.join(', ')}\n  ${last_error ?? 'No reason is known.'}`
}
