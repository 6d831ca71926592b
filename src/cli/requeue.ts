import { Command, Option } from '@commander-js/extra-typings'
import { UsageError } from '../platform/errors.ts'
import { openDatabase } from './open-app.ts'
import { printChanged } from './print-result.ts'

export function requeueCommand() {
  return new Command('requeue')
    .description('make identifiers due now: the given ones, or all quarantined or missing ones')
    .argument('[id...]', 'identifiers')
    .addOption(
      new Option('--state <state>', 'all in this state').choices(['quarantined', 'missing'] as const),
    )
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nA quarantined identifier becomes pending again.\nExit code 3 when some of the given identifiers are not tracked, 2 when none is.',
    )
    .action(async (ids, options) => {
      const { requeue } = await import('../pipeline/queue/requeue.ts')
      if (ids.length > 0 === (options.state !== undefined)) {
        throw new UsageError(
          ids.length > 0 ? 'There are identifiers and --state.' : 'There are no identifiers.',
          'Give identifiers, or --state quarantined, or --state missing.',
        )
      }
      await using app = await openDatabase()
      const selection = options.state ? { state: options.state } : { identifiers: ids }
      const changed = await requeue(app.db, selection)
      const problem = 'not tracked, or retired'
      printChanged(options, { given: ids, changed, key: 'requeued', now: 'due now', problem })
    })
}
