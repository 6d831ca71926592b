import { Command } from '@commander-js/extra-typings'
import type { EnqueueResult } from '../pipeline/queue/enqueue.ts'
import { DatabaseError, EXIT_CODE, UsageError } from '../platform/errors.ts'
import { asCalled } from '../platform/called-as.ts'
import { count, counted } from '../platform/terminal/text.ts'
import { printNotice } from '../platform/terminal/output.ts'
import { explainPrivilege, openDatabase } from './open-app.ts'
import { parseInteger } from './parse.ts'
import { printResult } from './print-result.ts'

const explainMissing = (detail: string, options: ErrorOptions) =>
  new DatabaseError(
    `The role may not read the tracked identifiers, which enqueue needs (${detail}).`,
    'Use the role of the job. A role of grant-enqueuer inserts by SQL.',
    options,
  )

export function enqueueCommand() {
  return new Command('enqueue')
    .description('track identifiers: from arguments, a file or standard input')
    .argument('[id...]', 'identifiers, as the API returned them when the files were submitted')
    .option('--file <file>', 'read identifiers from a file, one a line; - is standard input')
    .option(
      '--csv',
      'the file is CSV with a header: identifier (otherwise the first column), submitted_at, source',
    )
    .option(
      '--priority <n>',
      'a higher number is requested first (default: 0, from a file -5)',
      parseInteger(-9999, 9999),
    )
    .option('--media <medium>', 'medium of the submissions (default: audio)')
    .option('--source <name>', 'origin of the audio, for entries without a source')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
A file whose name ends in .csv is read as CSV. Times are ISO 8601, and UTC when they have no zone. An identifier that is
already tracked does not change. A file is added completely or not at all. Invalid lines (blank, or longer than 1,024
bytes) are listed, and not added.
Exit codes: 0 all valid, 3 some lines invalid, 2 none valid.

Examples:
  $ identifai-sync enqueue 5f2b...c1 77ab...09
  $ identifai-sync enqueue --file calls.csv --source call-center
  $ psql -Atc 'select id from uploads' | identifai-sync enqueue --file -`,
    )
    .action(async (ids, options) => {
      const { DEFAULT_MEDIA, endpointOf } = await import('../media/registry.ts')
      const { PRIORITY } = await import('../pipeline/queue/priority.ts')
      const { enqueue } = await import('../pipeline/queue/enqueue.ts')
      const { openInput } = await import('../pipeline/queue/input/open-input.ts')
      const entries = await openInput({
        ids,
        file: options.file,
        csv: options.csv,
        onNotice: (notice) => printNotice(`note: ${notice}`),
      })
      await using app = await explainPrivilege(explainMissing, openDatabase)

      const result = await enqueue(app.db, entries, {
        media: endpointOf(options.media ?? DEFAULT_MEDIA).media,
        priority: options.priority ?? (options.file === undefined ? PRIORITY.new : PRIORITY.bulk),
        source: options.source || null,
      })
      if (result.added + result.known === 0) refuseEmpty(result)
      printResult(options, result, describeResult(result))
      if (result.invalid > 0) process.exitCode = EXIT_CODE.partial
    })
}

function describeResult(result: EnqueueResult): string {
  const states = Object.entries(result.known_by_state).map(([state, number]) => `${count(number)} ${state}`)
  const known = result.known > 0 ? ` (${states.join(', ')})` : ''
  return [
    `${counted(result.added, 'identifier')} added, ${count(result.known)} already tracked${known}, ${count(result.invalid)} invalid.`,
    ...requeueHint(result),
    ...invalidLines(result),
  ].join('\n')
}

/** Some tracked identifiers are not requested again soon, although the caller may expect it. */
function requeueHint({ known_by_state: known }: EnqueueResult): string[] {
  const states = (['quarantined', 'missing'] as const).filter((state) => known[state])
  return states.map((state) =>
    asCalled(`To request the ${state} identifiers again: identifai-sync requeue --state ${state}`),
  )
}

function refuseEmpty(result: EnqueueResult): never {
  if (result.invalid === 0) {
    throw new UsageError(
      'The input has no identifier, so nothing was enqueued.',
      'Give one identifier a line.',
    )
  }
  throw new UsageError(
    `No identifier is valid, so nothing was enqueued.\n${invalidLines(result).join('\n')}`,
    'Correct these lines.',
  )
}

function invalidLines({ invalid, invalid_lines: named }: EnqueueResult): string[] {
  const lines = named.map(({ line, reason }) => `  line ${line}: ${reason}`)
  return invalid > named.length ? [...lines, `  and ${invalid - named.length} more`] : lines
}
