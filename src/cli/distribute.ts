import { Command } from '@commander-js/extra-typings'
import type { Target } from '../operations/distribution/find-problems.ts'
import { openDatabase } from './open-app.ts'
import { printChanges } from './print-result.ts'

interface Options {
  readonly dryRun?: true | undefined
  readonly json?: true | undefined
}

export function distributeCommand() {
  return new Command('distribute')
    .description('distribute the data tables over the workers of a Citus cluster')
    .option('--dry-run', 'print the statements and the problems, and run nothing; works on any server')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Moves results, history and payloads to the workers. All rows of a classification are on one worker. The queue, runs,
chain and notes stay on the coordinator. It first checks the cluster: version, workers, disk space, roles, and that no
run is in progress. All is one transaction. While it lasts, no run can start. Tables that are already distributed do
not change. Run it as the owner of the tables. Needs DATABASE_URL only. If it cannot be done, the exit code is 5, and
nothing is changed.

Citus refuses triggers on distributed tables. Therefore distribute drops the triggers that keep history append-only, and
only privileges protect it (docs/scaling.md).

Example:
  $ identifai-sync distribute --dry-run`,
    )
    .action(async (options) => moveTables(options, 'workers', 'distributed over the workers'))
}

export function undistributeCommand() {
  return new Command('undistribute')
    .description('move the data tables from the workers of a Citus cluster back to the coordinator')
    .option('--dry-run', 'print the statements and the problems, and run nothing')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Takes back what distribute did, in one transaction, and restores the triggers that keep history append-only. It first
checks that the coordinator has the disk space, and that no run is in progress. Run it as the owner of the tables.
Needs DATABASE_URL only. If it cannot be done, the exit code is 5, and nothing is changed.

Use it also after a dump of a distributed database was restored on a single server: the dump does not have these
triggers.

Example:
  $ identifai-sync undistribute --dry-run`,
    )
    .action(async (options) => moveTables(options, 'coordinator', 'on the coordinator'))
}

async function moveTables(options: Options, target: Target, state: string): Promise<void> {
  const { move, planMove } = await import('../operations/distribution/distribute.ts')
  const { describePlan } = await import('../operations/distribution/describe-plan.ts')
  const { counted } = await import('../platform/terminal/text.ts')
  await using app = await openDatabase('owner')
  if (options.dryRun) {
    const plan = await planMove(app.db, target)
    const problems = plan.problems.map(({ message }) => message)
    return printChanges(options, { ...plan, problems }, describePlan(plan))
  }
  const statements = await move(app.db, target)
  printChanges(
    options,
    { statements },
    statements.length === 0
      ? `Nothing was changed: the data tables are already ${state}.`
      : `${counted(statements.length, 'statement')} run: the data tables are ${state}.`,
  )
}
