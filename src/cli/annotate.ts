import { Command, Option } from '@commander-js/extra-typings'
import type { GivenNote, Noted } from '../compliance/history/annotate.ts'
import { DatabaseError, UsageError } from '../platform/errors.ts'
import { counted } from '../platform/terminal/text.ts'
import { printNotice } from '../platform/terminal/output.ts'
import { timeText } from '../platform/time.ts'
import { explainPrivilege, openDatabase } from './open-app.ts'
import { parseInteger, parseText } from './parse.ts'
import { printChanges } from './print-result.ts'

const explainMissing = (detail: string, options: ErrorOptions) =>
  new DatabaseError(
    `The role may not write notes (${detail}).`,
    'As the owner of the tables, grant INSERT on identifai.override_notes to it, in addition to the privileges of the job.',
    options,
  )

export function annotateCommand() {
  return new Command('annotate')
    .description('record the author and the reason of an override, which the API does not return')
    .option('--hash <hash>', 'SHA-256 of the overridden file (not an identifier)', parseText)
    .addOption(
      new Option('--forced-to <label>', 'the forced label; none: the forced label was removed').choices([
        'human',
        'artificial',
        'none',
      ] as const),
    )
    .option('--author <name>', 'who decided', parseText)
    .option('--reason <text>', 'why', parseText)
    .option('--ticket <ref>', 'case or ticket', parseText)
    .option('--reviewer <name>', 'reviewer of the decision', parseText)
    .option(
      '--correct <note>',
      'number of a note that this one corrects, in place of --hash and --forced-to',
      parseInteger(1, 2_147_483_647),
    )
    .option('--file <path>', 'many notes from a CSV file; - is standard input')
    .option(
      '--unknown',
      'also for a file that is not tracked yet, or whose forced label was not observed yet',
    )
    .option('--media <medium>', 'medium of the file (default: audio)')
    .option('--dry-run', 'print what the notes would explain, and write none')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
A note on a file that is not tracked, or was never forced to this label, is refused. A note cannot be changed or
deleted, but a correction counts in its place, and both stay. A note gets the time of the database's clock, and is
sealed with the next run. In a report, it explains the latest decision of its file and label that may have happened
before it was written. Needs DATABASE_URL only.

The columns of a file are hash, forced_to, author, reason, ticket, reviewer and corrects. All of its notes are written,
or none when one of them is refused.

Examples:
  $ identifai-sync annotate --hash 9c1e... --forced-to human --author 'A. Rossi' \\
      --reason 'Caller identified by call-back' --ticket FRAUD-1182 --reviewer 'B. Neri'
  $ identifai-sync annotate --correct 17 --author 'A. Rossi' --reason 'Caller identified by voice'
  $ identifai-sync annotate --file notes.csv --dry-run`,
    )
    .action(async (options) => {
      const { DEFAULT_MEDIA, endpointOf } = await import('../media/registry.ts')
      const { annotate } = await import('../compliance/history/annotate.ts')
      const { media } = endpointOf(options.media ?? DEFAULT_MEDIA)
      const notes = await notesOf(options, media)
      await using app = await openDatabase()
      const { unknown: allowsUnknown = false, dryRun: isDryRun = false } = options
      const noted = await explainPrivilege(explainMissing, () =>
        annotate(app.db, notes, { allowsUnknown, isDryRun }),
      )
      const result = options.file === undefined ? noted[0] : noted
      printChanges(options, result, noted.map(describeNoted).join('\n') + (isDryRun ? '' : SEALED))
      const unexplained = noted.filter(
        ({ corrects, explains }) => corrects === null && explains === null,
      ).length
      if (unexplained > 0) printNotice(warningOf(unexplained, options))
    })
}

type Options = Partial<
  Record<'hash' | 'forcedTo' | 'author' | 'reason' | 'ticket' | 'reviewer' | 'file', string>
> & { readonly correct?: number | undefined; readonly dryRun?: true | undefined }

async function notesOf(options: Options, media: string): Promise<(GivenNote & { readonly line?: number })[]> {
  const { hash, forcedTo, author, reason, ticket = null, reviewer = null, correct, file } = options
  if (file !== undefined) {
    if ([hash, forcedTo, author, reason, ticket, reviewer, correct].some((option) => option != null))
      throw new UsageError('There are --file and the options of one note.', 'Give one of the two.')
    const { readNotes } = await import('../compliance/history/read-notes.ts')
    return readNotes(file, media)
  }
  if (author === undefined || reason === undefined)
    throw new UsageError('A note needs an author and a reason.', 'Give --author and --reason, or --file.')
  const common = { media, author, reason, ticket, reviewer }
  if (correct !== undefined) {
    if (hash !== undefined || forcedTo !== undefined)
      throw new UsageError(
        'A correction has the hash and the label of its note.',
        'Leave out --hash and --forced-to.',
      )
    return [{ ...common, corrects: correct }]
  }
  if (hash === undefined || forcedTo === undefined)
    throw new UsageError(
      'A note needs a file and a label.',
      'Give --hash and --forced-to; or --correct, or --file.',
    )
  return [{ ...common, file_hash: hash, forced_to: forcedTo }]
}

const SEALED = '\nReports have it when the next run has ended.'

function warningOf(unexplained: number, { file, dryRun }: Pick<Options, 'file' | 'dryRun'>): string {
  const subject =
    file === undefined
      ? 'the note explains'
      : `${counted(unexplained, 'note')} explain${unexplained === 1 ? 's' : ''}`
  const advice = dryRun ? '' : ' If the hash or the label is mistyped, write another note. This one stays.'
  return `warning: ${subject} no decision so far.${advice}`
}

function describeNoted(noted: Noted): string {
  const { note_id, corrects, tracked, matching, forced_to, explains } = noted
  const label = forced_to === 'none' ? 'without a forced label' : `forced to ${forced_to}`
  const subject = note_id === null ? 'A note would be written' : `Note ${note_id} written`
  const lines = [
    `${subject}: ${counted(tracked, 'tracked identifier')} of this file, ${matching} of them ${label} as of the last responses.`,
  ]
  if (corrects !== null) lines.push(`It counts in place of note ${corrects}.`)
  if (explains !== null) {
    const { not_before, not_after, identifiers } = explains
    const since = not_before === null ? 'an unknown time' : timeText(not_before)
    lines.push(
      `It explains the decision that happened after ${since} and before ${timeText(not_after, 'up')}, on ${counted(identifiers, 'identifier')}.`,
    )
  }
  return lines.join('\n')
}
