import { Command, Option } from '@commander-js/extra-typings'
import type { EnqueueResult } from '../pipeline/queue/enqueue.ts'
import { DATE_FORMATS } from '../pipeline/queue/input/date-format.ts'
import { asCalled } from '../platform/called-as.ts'
import { EXIT_CODE } from '../platform/errors.ts'
import { createProgressLine, printNotice } from '../platform/terminal/output.ts'
import { count, counted, textTable } from '../platform/terminal/text.ts'
import { printable } from '../platform/text.ts'
import {
  COLUMN_OPTION,
  CSV_OPTION,
  DELIMITER_OPTION,
  describeInvalid,
  FILE_OPTION,
  refuseEmpty,
} from './input-options.ts'
import { openDatabase } from './open-app.ts'
import { parseInteger } from './parse.ts'
import { printChanges } from './print-result.ts'

export function enqueueCommand() {
  return new Command('enqueue')
    .description('track identifiers: from arguments, a file or standard input')
    .argument(
      '[id...]',
      'identifiers, as the API returned them when the files were submitted; - is standard input',
    )
    .addOption(FILE_OPTION)
    .addOption(CSV_OPTION)
    .addOption(COLUMN_OPTION)
    .option(
      '--submitted-at-column <name>',
      'column of submitted_at in CSV (default: submitted_at, if it has one)',
    )
    .option('--source-column <name>', 'column of the source in CSV (default: source, if it has one)')
    .addOption(DELIMITER_OPTION)
    .addOption(
      new Option('--date-format <format>', 'format of submitted_at in CSV, besides ISO 8601').choices(
        DATE_FORMATS,
      ),
    )
    .option(
      '--priority <n>',
      'a higher number is requested first (default: 0, from a file or standard input -5)',
      parseInteger(-9999, 9999),
    )
    .option('--media <medium>', 'medium of the submissions (default: audio)')
    .option('--source <name>', 'origin of the audio, for entries without a source')
    .option('--update', 'replace submitted_at and source of tracked identifiers by those of the input')
    .option('--dry-run', 'print the first entries as they are read, and the result, and write nothing')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
CSV has a header. The columns submitted_at and source are optional, and others are ignored. Times are ISO 8601, and UTC
when they have no zone; --date-format also allows 01.07.2026 10:15. Text is UTF-8, or UTF-16 with a byte order mark. An
identifier that is already tracked gets the submitted_at and the source that it lacks. Invalid lines, for example those
longer than 1,024 bytes, are listed and skipped, and so are blank lines. All others are added, or none when it fails.
Exit codes: 0 all valid, 3 some lines invalid, 2 none valid.

Examples:
  $ identifai-sync enqueue 5f2b...c1 77ab...09
  $ identifai-sync enqueue --file calls.csv --source call-center
  $ identifai-sync enqueue --file export.csv --column Upload --submitted-at-column Date --date-format DD.MM.YYYY
  $ psql -Atc 'select id from uploads' | identifai-sync enqueue -`,
    )
    .action(async (ids, options) => {
      const { DEFAULT_MEDIA, endpointOf } = await import('../media/registry.ts')
      const { PRIORITY } = await import('../pipeline/queue/priority.ts')
      const { enqueue } = await import('../pipeline/queue/enqueue.ts')
      const { listOf, openInput } = await import('../pipeline/queue/input/open-input.ts')
      // As every tool does, it reads standard input when it is not a terminal and nothing else is given.
      const isPiped = ids.length === 0 && !process.stdin.isTTY
      const { file = isPiped ? '-' : undefined, ...format } = options
      let ignored: readonly string[] = []
      const onIgnored = (columns: readonly string[]) => {
        ignored = columns
      }
      const entries = await openInput({ ...format, ids, file, withMetadata: true, onIgnored })
      await using app = await openDatabase()

      const progress = createProgressLine(process.stderr)
      const result = await enqueue(app.db, entries, {
        media: endpointOf(options.media ?? DEFAULT_MEDIA).media,
        priority: options.priority ?? (listOf({ ids, file }) === undefined ? PRIORITY.new : PRIORITY.bulk),
        source: options.source || null,
        update: options.update,
        dryRun: options.dryRun,
        onRead: (read) => progress.show(`${counted(read, 'entry', 'entries')} read`),
      })
      progress.clear()
      if (result.added + result.known === 0) refuseEmpty(result, 'nothing was enqueued')
      printChanges(options, { ...result, ignored_columns: ignored }, describeResult(result, ignored))
      if (result.invalid === 0) return
      printNotice(
        ['error: Some lines are invalid, so they were skipped:', ...describeInvalid(result)].join('\n'),
      )
      process.exitCode = EXIT_CODE.partial
    })
}

function describeResult(result: EnqueueResult, ignored: readonly string[]): string {
  const states = Object.entries(result.known_by_state).map(([state, number]) => `${count(number)} ${state}`)
  const known = result.known > 0 ? ` (${states.join(', ')})` : ''
  const repeated = result.repeated > 0 ? `, ${count(result.repeated)} repeated` : ''
  return [
    ...(result.first ? ['The first entries as they were read:', '', textTable(result.first), ''] : []),
    `${counted(result.added, 'identifier')} ${result.first ? 'would be ' : ''}added, ${count(result.known)} already tracked${known}${repeated}, ${count(result.invalid)} invalid.`,
    ...(result.updated > 0
      ? [
          `${counted(result.updated, 'tracked identifier')}${result.first ? ' would get' : ' got'} a submitted_at or source of the input.`,
        ]
      : []),
    ...(ignored.length > 0 ? [`Columns that were not read: ${printable(ignored.join(', '))}.`] : []),
    ...(result.first ? ['It was a dry run, so nothing was written.'] : requeueHint(result)),
  ].join('\n')
}

/** Some tracked identifiers are not requested again soon, although the caller may expect it. */
function requeueHint({ known_by_state: known }: EnqueueResult): string[] {
  const states = (['quarantined', 'missing'] as const).filter((state) => known[state])
  return states.map((state) =>
    asCalled(`To request the ${state} identifiers again: identifai-sync requeue --state ${state}`),
  )
}
