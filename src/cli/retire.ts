import { Command } from '@commander-js/extra-typings'
import { openDatabase } from './open-app.ts'
import { parseText } from './parse.ts'
import { printChanged } from './print-result.ts'

export function retireCommand() {
  return new Command('retire')
    .description('end the tracking of identifiers permanently; their contents and history stay')
    .argument('<id...>', 'identifiers')
    .requiredOption('--reason <text>', 'why; stored with each of them', parseText)
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExit code 3 when some are not tracked, or were retired before, 2 when all.')
    .action(async (given, options) => {
      const { retire } = await import('../pipeline/queue/retire.ts')
      await using app = await openDatabase()
      const changed = await retire(app.db, { identifiers: given, reason: options.reason })
      const problem = 'Not tracked, or retired before'
      printChanged(options, { given, changed, key: 'retired', now: 'retired', problem })
    })
}
