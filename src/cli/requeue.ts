import { Command, Option } from '@commander-js/extra-typings'
import { counted, print, printJson } from '../platform/terminal/print.ts'
import { openDatabase } from './open-app.ts'

export function requeueCommand() {
  return new Command('requeue')
    .description('make identifiers due now: those named, or all that are quarantined or missing')
    .argument('[id...]', 'identifiers')
    .addOption(
      new Option('--state <state>', 'all in this state').choices(['quarantined', 'missing'] as const),
    )
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nA quarantined identifier is pending again. Exit code 3 when some that are named are not tracked, 2 when none is.',
    )
    .action(async (ids, options) => {
      const { audioEndpoint } = await import('../media/audio/endpoint.ts')
      const { EXIT_CODE, UsageError } = await import('../platform/errors.ts')
      const { requeue } = await import('../pipeline/queue/requeue.ts')
      if (ids.length > 0 === (options.state !== undefined)) {
        throw new UsageError('Give either identifiers or --state (quarantined or missing).')
      }
      await using app = await openDatabase()
      const which = options.state ? { state: options.state } : { identifiers: ids }
      const requeued = await requeue(app.db, audioEndpoint.media, which)
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
