import { Command } from '@commander-js/extra-typings'
import { printJson, print } from '../platform/terminal/output.ts'
import { describeTimeline } from './describe-timeline.ts'
import { openDatabase } from './open-app.ts'

export function explainCommand() {
  return new Command('explain')
    .description('the history of one identifier: every change, and between which two requests it happened')
    .argument(
      '<id>',
      'an identifier, or the number of a classification; for the hash of a file, its identifiers are named',
    )
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nNeeds DATABASE_URL only; sends no request to the API.')
    .action(async (id, options) => {
      const { readTimelines, identifiersOfFile } = await import('../compliance/history/read-timeline.ts')
      const { UsageError } = await import('../platform/errors.ts')
      await using app = await openDatabase()
      const identifier = id.trim()
      if (identifier === '') throw new UsageError('Give an identifier.')
      let timelines = await readTimelines(app.db, identifier)
      if (timelines.length === 0 && /^\d{1,15}$/.test(identifier)) {
        timelines = await readTimelines(app.db, Number(identifier))
      }
      const [first, ...others] = timelines
      if (first) {
        if (options.json) printJson(others.length === 0 ? first : timelines)
        else print(timelines.map(describeTimeline).join('\n\n'))
        return
      }
      const identifiers = await identifiersOfFile(app.db, identifier)
      if (identifiers.length === 0) {
        throw new UsageError(
          `${identifier} is neither a tracked identifier nor the hash of a known file. Track it with: identifai-sync enqueue ${identifier}`,
        )
      }
      throw new UsageError(
        `${identifier} is the hash of a file, not an identifier. The file was submitted as:\n${identifiers.map((name) => `  ${name}`).join('\n')}`,
      )
    })
}
