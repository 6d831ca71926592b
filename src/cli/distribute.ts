import { Command } from '@commander-js/extra-typings'
import { counted, print, printJson } from '../platform/terminal/print.ts'
import { openDatabase } from './open-app.ts'

export function distributeCommand() {
  return new Command('distribute')
    .description('on the coordinator of a Citus cluster: distribute the data tables by classification')
    .option('--dry-run', 'print the statements, on any server, and run none')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Results, history and kept records go to the workers, each classification to one of them; the ledger, runs, chain and
notes stay on the coordinator. What is distributed already stays as it is. Run it as the owner of the tables, while no
pass runs; it needs DATABASE_URL only. On a server without Citus it changes nothing, and ends with exit code 5.

Citus refuses triggers on distributed tables: those that keep history from being changed are dropped, and privileges
alone hold it then (docs/scaling.md).

Example:
  $ identifai-sync distribute --dry-run`,
    )
    .action(async (options) => {
      const { distribute, planDistribution } = await import('../platform/postgres/distribute.ts')
      await using app = await openDatabase()
      const statements = options.dryRun ? await planDistribution(app.db) : await distribute(app.db)
      if (options.json) printJson(statements)
      else if (options.dryRun) print(statements.map((statement) => `${statement};`).join('\n'))
      else print(`${counted(statements.length, 'statement')} run: the data tables are distributed.`)
    })
}
