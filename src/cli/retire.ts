import { Command } from '@commander-js/extra-typings'
import { COLUMN_OPTION, CSV_OPTION, DELIMITER_OPTION, FILE_OPTION } from './input-options.ts'
import { openDatabase } from './open-app.ts'
import { parseText } from './parse.ts'
import { printChange } from './print-result.ts'

export function retireCommand() {
  return new Command('retire')
    .description('end the tracking of identifiers permanently; their contents and history stay')
    .argument('[id...]', 'identifiers; - is standard input')
    .requiredOption('--reason <text>', 'reason, stored with each identifier', parseText)
    .option('--author <name>', 'who decided', parseText)
    .addOption(FILE_OPTION)
    .addOption(CSV_OPTION)
    .addOption(COLUMN_OPTION)
    .addOption(DELIMITER_OPTION)
    .option('--dry-run', 'print how many would be retired, and write nothing')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
All identifiers are retired, or none when it fails. The next run seals a record of it.
To track them again: requeue --retired
Exit code 3 when some identifiers are invalid, not tracked or were already retired, 2 when all are.`,
    )
    .action(async (ids, options) => {
      const { openInput } = await import('../pipeline/queue/input/open-input.ts')
      const { retire } = await import('../pipeline/queue/retire.ts')
      const { reason, author = null, dryRun = false } = options
      const entries = await openInput({ ...options, ids, file: options.file })
      await using app = await openDatabase()
      const change = await retire(app.db, entries, { reason, author, dryRun })
      printChange(options, change, {
        key: 'retired',
        now: 'retired',
        problem: 'not tracked, or retired before',
      })
    })
}
