import { Command, Option } from '@commander-js/extra-typings'
import { counted } from '../platform/terminal/text.ts'
import { print, printJson } from '../platform/terminal/output.ts'
import { openDatabase } from './open-app.ts'

export function requeueCommand() {
  return new Command('requeue')
    .description('make identifiers due now: the given ones, or all that are quarantined or missing')
    .argument('[id...]', 'identifiers')
    .addOption(
      new Option('--state <state>', 'all in this state').choices(['quarantined', 'missing'] as const),
    )
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nA quarantined identifier becomes pending again. Exit code 3 when some of the given are not tracked, 2 when none is.',
    )
    .action(async (ids, options) => {
      const { EXIT_CODE, UsageError } = await import('../platform/errors.ts')
      const { requeue } = await import('../pipeline/queue/requeue.ts')
      if (ids.length > 0 === (options.state !== undefined)) {
        throw new UsageError('Give either identifiers or --state (quarantined or missing).')
      }
      await using app = await openDatabase()
      const selection = options.state ? { state: options.state } : { identifiers: ids }
      const requeued = await requeue(app.db, selection)
      const unknown = ids.filter((id) => !requeued.includes(id))
      const problem = `Not tracked, or retired: ${unknown.join(', ')}`
      if (unknown.length > 0 && requeued.length === 0) throw new UsageError(problem)
      if (options.json) printJson({ requeued: requeued.length, unknown })
      else print(`${counted(requeued.length, 'identifier')} due now.`)
      if (unknown.length > 0) {
        console.error(`error: ${problem}`)
        process.exitCode = EXIT_CODE.partial
      }
    })
}
