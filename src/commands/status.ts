import { Command } from '@commander-js/extra-typings'
import type { Status } from '../status/read-status.ts'
import { counted, print, printJson } from '../terminal/print.ts'
import { textTable, timeText } from '../terminal/text-table.ts'
import { openDatabase } from './open-app.ts'

export function statusCommand() {
  return new Command('status')
    .description('what is tracked, what is due, what is stuck and why, and the last runs')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nNeeds DATABASE_URL only; asks the API nothing.')
    .action(async (options) => {
      const { readStatus } = await import('../status/read-status.ts')
      await using app = await openDatabase()
      const status = await readStatus(app.db)
      if (options.json) printJson(status)
      else print(describeStatus(status))
    })
}

function describeStatus(status: Status): string {
  if (status.tracked.length === 0) {
    return 'Nothing is tracked yet. Add identifiers with: identifai-sync enqueue <id...>'
  }
  const next = status.next_due_at ? ` The next one is due at ${timeText(status.next_due_at)}.` : ''
  return [
    textTable(
      status.tracked.map(({ common_error, ...counts }) => ({ ...counts, most_often: short(common_error) })),
    ),
    '',
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
  ].join('\n')
}

/** Long texts would break the table; --json has them whole. */
function short(text: string | null): string | null {
  return text !== null && text.length > 60 ? `${text.slice(0, 59)}…` : text
}
