import { Command } from '@commander-js/extra-typings'
import type { EnqueueResult } from '../pipeline/queue/enqueue/enqueue.ts'
import { count, counted } from '../platform/terminal/text.ts'
import { explainPrivilege, openDatabase } from './open-app.ts'
import { parseInteger } from './parse.ts'
import { printResult } from './print-result.ts'

const NEEDS =
  'enqueue reads the tracked identifiers, and needs the role of the job: a role of grant-enqueuer inserts by SQL'

export function enqueueCommand() {
  return new Command('enqueue')
    .description('track identifiers: from arguments, a file or standard input')
    .argument('[id...]', 'identifiers, as the API returned them when the files were submitted')
    .option('--file <file>', 'read them from a file, or from standard input with -; one a line')
    .option(
      '--csv',
      'the file is CSV with a header: identifier (or else the first column), submitted_at, source',
    )
    .option(
      '--priority <n>',
      'higher is requested first (default: 0, from a file -5)',
      parseInteger(-9999, 9999),
    )
    .option('--media <medium>', 'medium of the submissions (default: audio)')
    .option('--source <name>', 'where the audio came from, for entries that do not say')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
A file whose name ends in .csv is read as CSV without --csv, too. Times are ISO 8601; without a zone they are UTC.
An identifier that is tracked already stays as it is. A file is added completely or not at all, without its invalid
lines (blank, or longer than 1,024 bytes), which are listed.
Exit codes: 0 all valid, 3 some lines invalid, 2 none valid.

Examples:
  $ identifai-sync enqueue 5f2b...c1 77ab...09
  $ identifai-sync enqueue --file calls.csv --source call-centre
  $ psql -Atc 'select id from uploads' | identifai-sync enqueue --file -`,
    )
    .action(async (ids, options) => {
      const { DEFAULT_MEDIA, endpointOf } = await import('../media/registry.ts')
      const { PRIORITY } = await import('../pipeline/queue/priority.ts')
      const { enqueue } = await import('../pipeline/queue/enqueue/enqueue.ts')
      const { openInput } = await import('../pipeline/queue/enqueue/open-input.ts')
      const { EXIT_CODE, UsageError } = await import('../platform/errors.ts')
      const entries = await openInput({
        ids,
        file: options.file,
        csv: options.csv,
        onNotice: (notice) => console.error(`note: ${notice}`),
      })
      await using app = await explainPrivilege(NEEDS, openDatabase)

      const result = await enqueue(app.db, entries, {
        media: endpointOf(options.media ?? DEFAULT_MEDIA).media,
        priority: options.priority ?? (options.file === undefined ? PRIORITY.new : PRIORITY.bulk),
        source: options.source || null,
      })
      if (result.added + result.known === 0) throw new UsageError(nothingValid(result))
      printResult(options, result, describeResult(result))
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

/** Some tracked identifiers are not requested again soon, although the caller may expect it. */
function requeueHint({ known_by_state: known }: EnqueueResult): string[] {
  const states = (['quarantined', 'missing'] as const).filter((state) => known[state])
  return states.map((state) => `To request the ${state} ones again: identifai-sync requeue --state ${state}`)
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
