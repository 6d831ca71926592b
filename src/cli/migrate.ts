import { Argument, Command } from '@commander-js/extra-typings'
import { UsageError } from '../platform/errors.ts'
import { count } from '../platform/terminal/text.ts'
import { printResult } from './print-result.ts'

export function migrateCommand() {
  return new Command('migrate')
    .description('create or update the tables of the schema identifai')
    .addArgument(
      new Argument('[direction]', 'up: apply the missing ones; down: revert the last one; status: list them')
        .choices(['up', 'down', 'status'] as const)
        .default('up' as const),
    )
    .option('--all', 'with down: revert every migration')
    .option('--destroy-history', 'with down: destroy the history permanently')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nSeveral processes can run it at the same time. Needs DATABASE_URL only.')
    .action(async (direction, options) => {
      if (direction !== 'down' && (options.all || options.destroyHistory)) {
        throw new UsageError(
          '--all and --destroy-history apply to migrate down only.',
          'Leave them out, or write: migrate down',
        )
      }
      const { createDatabaseApp } = await import('../platform/database-app.ts')
      const { parseDatabaseConfig, readEnvironment } = await import('../platform/config/config.ts')
      const { countHistory, migrateDown, migrateUp, migrationStates } = await import(
        '../platform/postgres/migrate.ts'
      )
      await using app = createDatabaseApp(parseDatabaseConfig(readEnvironment()))

      if (direction === 'status') {
        const states = await migrationStates(app.db)
        const lines = states.map(({ name, applied_at }) => `${applied_at ? 'applied' : 'waiting'}  ${name}`)
        return printResult(options, states, lines.join('\n'))
      }
      if (direction === 'down' && !options.destroyHistory) {
        const records = await countHistory(app.db)
        if (records > 0) {
          throw new UsageError(
            `The database has ${count(records)} records of history, which are the only record of the observed changes.`,
            'Back it up. Then, to destroy it permanently, repeat with --destroy-history.',
          )
        }
      }
      const steps =
        direction === 'up' ? await migrateUp(app.db) : await migrateDown(app.db, options.all ?? false)
      const lines = steps.map((step) => `${step.direction.toLowerCase().padEnd(4)} ${step.name}`)
      printResult(options, steps, lines.join('\n') || NOTHING[direction])
    })
}

const NOTHING = { up: 'Nothing to apply: the database is up to date.', down: 'Nothing to revert.' }
