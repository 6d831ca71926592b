import { Command, InvalidArgumentError } from '@commander-js/extra-typings'
import type { EnqueueResult } from '../pipeline/queue/enqueue/enqueue.ts'
import { PRIORITY } from '../pipeline/queue/priority.ts'
import { count, counted, print, printJson } from '../platform/terminal/print.ts'
import { openDatabase } from './open-app.ts'

const NEEDS =
  'enqueue, which says what was known already, is for the role of passes: one that was granted by grant-enqueuer inserts by SQL'

export function enqueueCommand() {
  return new Command('enqueue')
    .description('track identifiers: from arguments, a file or standard input')
    .argument('[id...]', 'identifiers, as the API returned them when the files were submitted')
    .option('--file <file>', 'read them from a file, or from standard input with -; one a line')
    .option(
      '--csv',
      'the file is CSV with a header: identifier (or else the first column), submitted_at, source',
    )
    .option('--priority <n>', 'higher is asked first (default: 0, from a file -5)', parsePriority)
    .option('--source <name>', 'where the audio came from, for entries that do not say')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
A file whose name ends in .csv is read as CSV without --csv, too. Times are ISO 8601; without a zone they are UTC.
An identifier that is known already stays as it is. A file is added whole or not at all, but for its invalid lines
(blank, or longer than 1,024 bytes), which are named. Exit codes: 0 all valid, 3 some lines invalid, 2 none valid.

Examples:
  $ identifai-sync enqueue 5f2b...c1 77ab...09
  $ identifai-sync enqueue --file calls.csv --source call-centre
  $ psql -Atc 'select id from uploads' | identifai-sync enqueue --file -`,
    )
    .action(async (ids, options) => {
      const { audioEndpoint } = await import('../media/audio/endpoint.ts')
      const { enqueue } = await import('../pipeline/queue/enqueue/enqueue.ts')
      const { openInput } = await import('../pipeline/queue/enqueue/open-input.ts')
      const { EXIT_CODE, UsageError } = await import('../platform/errors.ts')
      const entries = await openInput({
        ids,
        file: options.file,
        csv: options.csv,
        onNotice: (notice) => console.error(`note: ${notice}`),
      })
      const { explainPrivilege } = await import('./explain-privilege.ts')
      await using app = await explainPrivilege(NEEDS, openDatabase)

      const result = await enqueue(app.db, entries, {
        media: audioEndpoint.media,
        priority: options.priority ?? (options.file === undefined ? PRIORITY.new : PRIORITY.bulk),
        source: options.source || null,
      })
      const valid = result.added + result.known
      if (valid === 0) throw new UsageError(nothingValid(result))
      if (options.json) printJson(result)
      else print(describeResult(result))
      if (result.invalid > 0) process.exitCode = EXIT_CODE.partial
    })
}

function describeResult(result: EnqueueResult): string {
  const states = Object.entries(result.known_by_state).map(([state, number]) => `${count(number)} ${state}`)
  const known = result.known > 0 ? ` (${states.join(', ')})` : ''
  return [
    `${counted(result.added, 'identifier')} added, ${count(result.known)} known already${known}, ${count(result.invalid)} invalid.`,
    ...requeueHint(result),
    ...invalidLines(result),
  ].join('\n')
}

/** Some known ones will not be asked again soon: the caller may have expected that they are. */
function requeueHint({ known_by_state: known }: EnqueueResult): string[] {
  const states = (['quarantined', 'missing'] as const).filter((state) => known[state])
  return states.map((state) => `To ask for the ${state} ones again: identifai-sync requeue --state ${state}`)
}

function nothingValid(result: EnqueueResult): string {
  if (result.invalid === 0)
    return 'The input holds no identifier: nothing was enqueued. Give one identifier a line.'
  return ['No identifier was valid: nothing was enqueued.', ...invalidLines(result)].join('\n')
}

function invalidLines({ invalid, invalid_lines: named }: EnqueueResult): string[] {
  const lines = named.map(({ line, reason }) => `  line ${line}: ${reason}`)
  return invalid > named.length ? [...lines, `  and ${invalid - named.length} more`] : lines
}

function parsePriority(text: string): number {
  if (!/^-?\d{1,4}$/.test(text))
    throw new InvalidArgumentError('It must be a whole number from -9999 to 9999.')
  return Number(text)
}
