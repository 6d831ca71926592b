import { Command, Option } from '@commander-js/extra-typings'
import { DatabaseError } from '../platform/errors.ts'
import { counted } from '../platform/terminal/text.ts'
import { printNotice } from '../platform/terminal/output.ts'
import { timeText } from '../platform/time.ts'
import { explainPrivilege, openDatabase } from './open-app.ts'
import type { annotate } from '../compliance/history/annotate.ts'
import { parseText } from './parse.ts'
import { printChanges } from './print-result.ts'

type Noted = Awaited<ReturnType<typeof annotate>>

const explainMissing = (detail: string, options: ErrorOptions) =>
  new DatabaseError(
    `The role may not write notes (${detail}).`,
    'As the owner of the tables, grant INSERT on identifai.override_notes to it, in addition to the privileges of the job.',
    options,
  )

export function annotateCommand() {
  return new Command('annotate')
    .description('record the author and the reason of an override, which the API does not return')
    .requiredOption('--hash <hash>', 'SHA-256 of the overridden file (not an identifier)', parseText)
    .addOption(
      new Option('--forced-to <label>', 'the forced label; none: the forced label was removed')
        .choices(['human', 'artificial', 'none'] as const)
        .makeOptionMandatory(),
    )
    .requiredOption('--author <name>', 'who decided', parseText)
    .requiredOption('--reason <text>', 'why', parseText)
    .option('--ticket <ref>', 'case or ticket', parseText)
    .option('--reviewer <name>', 'reviewer of the decision', parseText)
    .option(
      '--unknown',
      'also for a file that is not tracked yet, or whose forced label was not observed yet',
    )
    .option('--media <medium>', 'medium of the file (default: audio)')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
A note on a file that is not tracked, or was never forced to this label, is refused. A note cannot be changed or
deleted, but a later note can correct it. A note gets the time of the database's clock, and is sealed with the next run.
In a report, it explains the latest decision of its file and label that may have happened before it was written. Needs
DATABASE_URL only.

Example:
  $ identifai-sync annotate --hash 9c1e... --forced-to human --author 'A. Rossi' \\
      --reason 'Caller identified by call-back' --ticket FRAUD-1182 --reviewer 'B. Neri'`,
    )
    .action(async (options) => {
      const { DEFAULT_MEDIA, endpointOf } = await import('../media/registry.ts')
      const { annotate } = await import('../compliance/history/annotate.ts')
      await using app = await openDatabase()
      const { author, reason, ticket = null, reviewer = null } = options
      const { media } = endpointOf(options.media ?? DEFAULT_MEDIA)
      const note = {
        media,
        file_hash: options.hash,
        forced_to: options.forcedTo,
        author,
        reason,
        ticket,
        reviewer,
      }
      const noted = await explainPrivilege(explainMissing, () =>
        annotate(app.db, note, { allowsUnknown: options.unknown ?? false }),
      )
      printChanges(options, noted, describeNoted(noted))
      if (noted.explains === null) printNotice(WARNING)
    })
}

const WARNING =
  'warning: the note explains no decision so far. If the hash or the label is mistyped, write another note. This one stays.'

function describeNoted({ note_id, tracked, matching, forced_to, explains }: Noted): string {
  const label = forced_to === 'none' ? 'without a forced label' : `forced to ${forced_to}`
  return [
    `Note ${note_id} written: ${counted(tracked, 'tracked identifier')} of this file, ${matching} of them ${label} as of the last responses.`,
    ...(explains === null
      ? []
      : [
          `It explains the decision that happened after ${explains.not_before === null ? 'an unknown time' : timeText(explains.not_before)} and before ${timeText(explains.not_after, 'up')}, on ${counted(explains.identifiers, 'identifier')}.`,
        ]),
    'Reports have the note when the next run has ended.',
  ].join('\n')
}
