import { Command, Option } from '@commander-js/extra-typings'
import { UsageError } from '../platform/errors.ts'
import { counted } from '../platform/terminal/text.ts'
import { COLUMN_OPTION, CSV_OPTION, DELIMITER_OPTION, FILE_OPTION } from './input-options.ts'
import { openDatabase } from './open-app.ts'
import { parseText } from './parse.ts'
import { printChange, printChanges } from './print-result.ts'

export function requeueCommand() {
  return new Command('requeue')
    .description('make identifiers due now: the given ones, or all quarantined or missing ones')
    .argument('[id...]', 'identifiers; - is standard input')
    .addOption(
      new Option('--state <state>', 'all in this state').choices(['quarantined', 'missing'] as const),
    )
    .addOption(FILE_OPTION)
    .addOption(CSV_OPTION)
    .addOption(COLUMN_OPTION)
    .addOption(DELIMITER_OPTION)
    .option('--retired', 'also those of the given ones that are retired; they are tracked again')
    .option('--author <name>', 'with --retired: who decided', parseText)
    .option('--reason <text>', 'with --retired: why', parseText)
    .option('--dry-run', 'print how many would be due, and write nothing')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
A quarantined or retired identifier becomes pending again; a redacted one stays retired. All identifiers are changed, or
none when it fails.
Exit code 3 when some of the given identifiers are invalid or not tracked, 2 when all are.`,
    )
    .action(async (ids, options) => {
      const { openInput } = await import('../pipeline/queue/input/open-input.ts')
      const { requeue, requeueState } = await import('../pipeline/queue/requeue.ts')
      const { state, file, retired: retiredToo = false, dryRun = false } = options
      if (state === undefined && ids.length === 0 && file === undefined) {
        throw new UsageError(
          'There are no identifiers.',
          'Give identifiers, a file, or --state quarantined, or --state missing.',
        )
      }
      const { author = null, reason = null } = options
      if (!retiredToo && (author !== null || reason !== null)) {
        throw new UsageError(
          '--author and --reason are about retired identifiers only.',
          'Add --retired, or leave them out.',
        )
      }
      if (state === undefined) {
        const entries = await openInput({ ...options, ids, file })
        await using app = await openDatabase()
        const retired = retiredToo ? { author, reason } : undefined
        const change = await requeue(app.db, entries, { retired, dryRun })
        const problem = retiredToo ? 'not tracked, or redacted' : 'not tracked, or retired'
        return printChange(options, change, { key: 'requeued', now: 'due now', problem })
      }
      if (ids.length > 0 || file !== undefined || retiredToo) {
        throw new UsageError(
          'There is --state, and something that selects other identifiers.',
          'Give --state quarantined or --state missing alone, or identifiers.',
        )
      }
      await using app = await openDatabase()
      const requeued = await requeueState(app.db, state, { dryRun })
      printChanges(
        options,
        { requeued },
        `${counted(requeued, 'identifier')} ${dryRun ? 'would be ' : ''}due now.`,
      )
    })
}
