import { Command, Option } from '@commander-js/extra-typings'
import { DatabaseError } from '../platform/errors.ts'
import { counted } from '../platform/terminal/text.ts'
import { printNotice } from '../platform/terminal/output.ts'
import { explainPrivilege, openDatabase } from './open-app.ts'
import { parseText } from './parse.ts'
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
    .option('--media <medium>', 'medium of the file (default: audio)')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
A note gets the time of the database's clock, and is sealed with the next run. It cannot be changed or deleted, but a
later note can correct it. In a report, it explains the latest decision of its file and label that may have happened
before it was written. Needs DATABASE_URL only.

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
      const noted = await explainPrivilege(explainMissing, () => annotate(app.db, note))
      printChanges(
        options,
        noted,
        `Note ${noted.note_id} written: ${counted(noted.tracked, 'tracked identifier')} of this file, ${noted.matching} of them ${noted.forced_to === 'none' ? 'without a forced label' : `forced to ${noted.forced_to}`} as of the last responses. Reports have the note when the next run has ended.`,
      )
      if (noted.tracked === 0) {
        printNotice(
          'warning: no tracked identifier has this file hash yet. If it is mistyped, write another note. This one stays.',
        )
      } else if (noted.matching === 0) {
        printNotice(
          'warning: no identifier of this file has this forced label now. If it is mistyped, write another note. This one stays.',
        )
      }
    })
}
