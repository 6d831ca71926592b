import { Command } from '@commander-js/extra-typings'
import { counted } from '../platform/terminal/text.ts'
import { openDatabase } from './open-app.ts'
import { parseText } from './parse.ts'
import { printChanges } from './print-result.ts'

export function redactCommand() {
  return new Command('redact')
    .description('remove the personal values and payloads of one retired identifier permanently')
    .argument('<identifier>', 'a retired identifier', parseText)
    .requiredOption('--reason <text>', 'why, such as an erasure request', parseText)
    .option('--author <name>', 'who decided', parseText)
    .option('--media <medium>', 'medium of the identifier (default: audio)')
    .option('--dry-run', 'print what would be removed, and remove nothing')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Removes name, ref_id, result link, source, fields that are not in the contract, payloads, quarantined records and
samples of drift. The identifier, the file hash, labels, scores, times and notes stay, because evidence rests on them.
Reports and bundles keep their digests and proofs. Files that were exported before, and backups, still have the values.
The next run seals a record of the redaction. Needs the owner of the tables, or a role of grant-maintenance, and
MAINTENANCE_DATABASE_URL or DATABASE_URL only.

Example:
  $ identifai-sync retire 2f0c... --reason 'erasure request 88'
  $ identifai-sync redact 2f0c... --reason 'erasure request 88' --author 'A. Rossi'`,
    )
    .action(async (identifier, options) => {
      const { DEFAULT_MEDIA, endpointOf } = await import('../media/registry.ts')
      const { redact } = await import('../compliance/history/redact.ts')
      const { reason, author = null, dryRun: isDryRun = false } = options
      const { media } = endpointOf(options.media ?? DEFAULT_MEDIA)
      await using app = await openDatabase('maintenance')
      const redaction = await redact(app.db, identifier, { media, reason, author, isDryRun })
      const { revisions, payloads, quarantined } = redaction
      const removed = `the personal values of ${counted(revisions, 'revision')}, ${counted(payloads, 'payload')} and ${counted(quarantined, 'quarantined record')}`
      printChanges(options, redaction, isDryRun ? `Would be removed: ${removed}.` : `Removed: ${removed}.`)
    })
}
