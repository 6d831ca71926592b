import { Command } from '@commander-js/extra-typings'
import { timeText } from '../platform/time.ts'
import { openDatabase } from './open-app.ts'
import { printChanges } from './print-result.ts'

export function resumeCommand() {
  return new Command('resume')
    .description('end a pause that the API has requested, when its Retry-After header is wrong')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nstatus shows the pause.\nNeeds DATABASE_URL only, and sends no request.')
    .action(async (options) => {
      const { endPauses } = await import('../pipeline/api/pause.ts')
      await using app = await openDatabase()
      const ended = await endPauses(app.db)
      const text =
        ended === null ? 'Requests are not paused.' : `The pause until ${timeText(ended)} has ended.`
      printChanges(options, { ended_pause_until: ended }, text)
    })
}
