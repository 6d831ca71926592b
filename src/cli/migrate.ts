import { Argument, Command } from '@commander-js/extra-typings'
import { UsageError } from '../platform/errors.ts'
import { count, print, printJson } from '../platform/terminal/print.ts'

export function migrateCommand() {
  return new Command('migrate')
    .description('create or update the tables of the schema identifai')
    .addArgument(
      new Argument(
        '[direction]',
        'up: apply what is missing; down: take the last migration back; status: list them',
      )
        .choices(['up', 'down', 'status'] as const)
        .default('up' as const),
    )
    .option('--all', 'with down: take back every migration')
    .option('--destroy-history', 'with down: also when there is history, which is then lost for good')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nSafe to start twice at once. Needs DATABASE_URL only.')
    .action(async (direction, options) => {
      if (direction !== 'down' && (options.all || options.destroyHistory)) {
        throw new UsageError('--all and --destroy-history go with: migrate down')
      }
      const { createDatabaseApp } = await import('../database-app.ts')
      const { parseDatabaseConfig, readEnvironment } = await import('../platform/config/config.ts')
      const { migrateDown, migrateUp, migrationStates } = await import('../platform/postgres/migrate.ts')
      const { countHistory } = await import('../platform/postgres/count-history.ts')
      await using app = createDatabaseApp(parseDatabaseConfig(readEnvironment()))

      if (direction === 'status') {
        const states = await migrationStates(app.db)
        if (options.json) return printJson(states)
        return print(
          states.map((state) => `${state.applied_at ? 'applied' : 'waiting'}  ${state.name}`).join('\n'),
        )
      }
      if (direction === 'down' && !options.destroyHistory) {
        const records = await countHistory(app.db)
        if (records > 0) {
          throw new UsageError(
            `The database holds ${count(records)} records of history, the only record of what was seen and when. ` +
              'Back it up; then, to lose them for good, repeat with --destroy-history.',
          )
        }
      }
      const steps =
        direction === 'up' ? await migrateUp(app.db) : await migrateDown(app.db, options.all ?? false)
      if (options.json) return printJson(steps)
      print(
        steps.map((step) => `${step.direction.toLowerCase().padEnd(4)} ${step.name}`).join('\n') ||
          NOTHING[direction],
      )
    })
}

const NOTHING = { up: 'Up to date: nothing to apply.', down: 'Nothing to take back.' }
