import { Command } from '@commander-js/extra-typings'
import { counted } from '../platform/terminal/text.ts'
import { openDatabase } from './open-app.ts'
import { printChanges } from './print-result.ts'

export function distributeCommand() {
  return new Command('distribute')
    .description('distribute the data tables over the workers of a Citus cluster')
    .option('--dry-run', 'print the statements, and run none; works on any server')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Moves results, history and payloads to the workers. Each classification is on one worker. The queue, runs, chain and
notes stay on the coordinator. Tables that are already distributed do not change. Run it as the owner of the tables,
while no run is in progress. Needs DATABASE_URL only. On a server without Citus it changes nothing, and the exit code
is 5.

Citus refuses triggers on distributed tables. Therefore distribute drops the triggers that keep history append-only, and
only privileges protect it (docs/scaling.md).

Example:
  $ identifai-sync distribute --dry-run`,
    )
    .action(async (options) => {
      const { distribute, planDistribution } = await import('../operations/distribute.ts')
      await using app = await openDatabase('owner')
      const statements = options.dryRun ? await planDistribution(app.db) : await distribute(app.db)
      const text = options.dryRun
        ? statements.map((statement) => `${statement};`).join('\n')
        : `${counted(statements.length, 'statement')} run: the data tables are distributed.`
      printChanges(options, statements, text)
    })
}
