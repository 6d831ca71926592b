import { Command } from '@commander-js/extra-typings'
import { describeTimeline } from './describe-timeline.ts'
import { openDatabase } from './open-app.ts'
import { parseText } from './parse.ts'
import { printResult } from './print-result.ts'

export function explainCommand() {
  return new Command('explain')
    .description(
      'print the history of one identifier: every change, and the two requests between which it happened',
    )
    .argument(
      '<id>',
      'an identifier, or the number of a classification; for a file hash, the error lists its identifiers',
      parseText,
    )
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nNeeds DATABASE_URL only, and sends no request.')
    .action(async (identifier, options) => {
      const { readTimelines, identifiersOfFile } = await import('../compliance/history/read-timeline.ts')
      const { UsageError } = await import('../platform/errors.ts')
      await using app = await openDatabase()
      let timelines = await readTimelines(app.db, identifier)
      if (timelines.length === 0 && /^\d{1,15}$/.test(identifier)) {
        timelines = await readTimelines(app.db, Number(identifier))
      }
      if (timelines.length > 0) {
        const result = timelines.length === 1 ? timelines[0] : timelines
        return printResult(options, result, timelines.map(describeTimeline).join('\n\n'))
      }
      const identifiers = await identifiersOfFile(app.db, identifier)
      if (identifiers.length === 0) {
        throw new UsageError(
          `${identifier} is neither a tracked identifier nor the hash of a known file.`,
          'Give the complete identifier. Track a new one with: identifai-sync enqueue',
        )
      }
      throw new UsageError(
        `${identifier} is the hash of a file, not an identifier. The file was submitted as:\n${identifiers.map((name) => `  ${name}`).join('\n')}`,
        'Give one of these identifiers.',
      )
    })
}
