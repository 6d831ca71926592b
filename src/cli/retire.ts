import { Command } from '@commander-js/extra-typings'
import { openDatabase } from './open-app.ts'
import { parseText } from './parse.ts'
import { printChanged } from './print-result.ts'

export function retireCommand() {
  return new Command('retire')
    .description('end the tracking of identifiers permanently; their contents and history stay')
    .argument('<id...>', 'identifiers')
    .requiredOption('--reason <text>', 'reason, stored with each identifier', parseText)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nExit code 3 when some identifiers are not tracked or were already retired, 2 when all are.',
    )
    .action(async (given, options) => {
      const { retire } = await import('../pipeline/queue/retire.ts')
      await using app = await openDatabase()
      const changed = await retire(app.db, { identifiers: given, reason: options.reason })
      const problem = 'not tracked, or retired before'
      printChanged(options, { given, changed, key: 'retired', now: 'retired', problem })
    })
}
