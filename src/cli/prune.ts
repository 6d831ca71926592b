import { Command, InvalidArgumentError } from '@commander-js/extra-typings'
import { count, counted } from '../platform/terminal/text.ts'
import { openDatabase } from './open-app.ts'
import { printChanges } from './print-result.ts'

export function pruneCommand() {
  return new Command('prune')
    .description('delete the payloads of superseded revisions by age, and no revision')
    .requiredOption('--payloads-older-than <days>', 'received longer ago than this, such as 400d', parseDays)
    .option('--dry-run', 'print the number of payloads, and delete none')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
The latest payload of each classification is never removed, nor its latest finished one. History, reports and the chain
do not depend on payloads. report verify can no longer compare the removed ones with their hashes. The next run seals a
record of the removal. Needs the owner of the tables, or a role of grant-maintenance, and MAINTENANCE_DATABASE_URL or
DATABASE_URL only. The daemon prunes after each nightly run with PAYLOAD_RETENTION_DAYS.

Example:
  $ identifai-sync prune --payloads-older-than 400d`,
    )
    .action(async (options) => {
      const { prunePayloads } = await import('../compliance/history/prune-payloads.ts')
      const { listenForInterrupt } = await import('../platform/interrupt.ts')
      using interrupt = listenForInterrupt()
      await using app = await openDatabase('maintenance')
      const pruned = await prunePayloads(app.db, {
        olderThanDays: options.payloadsOlderThan,
        isDryRun: options.dryRun ?? false,
        signal: interrupt.signal,
      })
      const [removed, stored] = [counted(pruned.removed, 'payload'), count(pruned.stored)]
      const text = options.dryRun
        ? `${removed} of ${stored} would be removed.`
        : `${removed} removed; ${stored} still stored.`
      printChanges(options, pruned, text)
      if (interrupt.exitCode !== undefined) process.exitCode = interrupt.exitCode
    })
}

/** Days, as in `400d`. */
function parseDays(text: string): number {
  const days = /^\d{1,5}d$/.test(text) ? Number.parseInt(text, 10) : 0
  if (days === 0) throw new InvalidArgumentError('It must be a number of days such as 400d.')
  return days
}
