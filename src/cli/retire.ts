import { Command } from '@commander-js/extra-typings'
import { counted } from '../platform/terminal/text.ts'
import { print, printJson } from '../platform/terminal/output.ts'
import { openDatabase } from './open-app.ts'

export function retireCommand() {
  return new Command('retire')
    .description('end the tracking of identifiers permanently; their contents and history stay')
    .argument('<id...>', 'identifiers')
    .requiredOption('--reason <text>', 'why; stored with each of them')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExit code 3 when some are not tracked, or were retired before, 2 when all.')
    .action(async (ids, options) => {
      const { EXIT_CODE, UsageError } = await import('../platform/errors.ts')
      const { retire } = await import('../pipeline/queue/retire.ts')
      const reason = options.reason.trim()
      if (reason === '') throw new UsageError('--reason must say why.')
      await using app = await openDatabase()
      const retired = await retire(app.db, { identifiers: ids, reason })
      const unknown = ids.filter((id) => !retired.includes(id))
      const problem = `Not tracked, or retired before: ${unknown.join(', ')}`
      if (unknown.length > 0 && retired.length === 0) throw new UsageError(problem)
      if (options.json) printJson({ retired: retired.length, unknown })
      else print(`${counted(retired.length, 'identifier')} retired.`)
      if (unknown.length > 0) {
        console.error(`error: ${problem}`)
        process.exitCode = EXIT_CODE.partial
      }
    })
}
