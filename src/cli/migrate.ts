import { Argument, Command } from '@commander-js/extra-typings'
import type { Kysely } from 'kysely'
import { DatabaseError, UsageError } from '../platform/errors.ts'
import type { Database } from '../platform/postgres/database.ts'
import { counted } from '../platform/terminal/text.ts'
import { explainPrivilege } from './open-app.ts'
import { printChanges, printResult } from './print-result.ts'

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
    .option('--yes', 'with down: without confirmation')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nSeveral processes can run it at the same time. Needs DATABASE_URL only.')
    .action(async (direction, options) => {
      if (direction !== 'down' && (options.all || options.destroyHistory || options.yes)) {
        throw new UsageError(
          '--all, --destroy-history and --yes apply to migrate down only.',
          'Leave them out, or write: migrate down',
        )
      }
      const { createDatabaseApp } = await import('../platform/database-app.ts')
      const { parseDatabaseConfig } = await import('../platform/config/config.ts')
      const { readEnvironment } = await import('../platform/config/environment.ts')
      await using app = createDatabaseApp(parseDatabaseConfig(readEnvironment().environment))
      await explainPrivilege(
        (detail, cause) => explainOwner(app.db, detail, cause),
        () => (direction === 'status' ? printStates(app.db, options) : migrate(app.db, direction, options)),
      )
    })
}

interface MigrateOptions {
  readonly all?: true | undefined
  readonly destroyHistory?: true | undefined
  readonly yes?: true | undefined
  readonly json?: true | undefined
}

async function printStates(db: Kysely<Database>, options: MigrateOptions): Promise<void> {
  const { migrationStates } = await import('../platform/postgres/migrate.ts')
  const states = await migrationStates(db)
  const lines = states.map(({ name, applied_at }) => `${applied_at ? 'applied' : 'waiting'}  ${name}`)
  printResult(options, states, lines.join('\n'))
}

async function migrate(
  db: Kysely<Database>,
  direction: 'up' | 'down',
  options: MigrateOptions,
): Promise<void> {
  const { countHistory, migrateDown, migrateUp } = await import('../platform/postgres/migrate.ts')
  if (direction === 'down' && !options.destroyHistory) {
    const records = await countHistory(db)
    if (records > 0) {
      throw new UsageError(
        `The database has ${counted(records, 'record')} of history, which are the only record of the observed changes.`,
        'Back it up. Then, to destroy it permanently, repeat with --destroy-history.',
      )
    }
  }
  if (direction === 'down' && !options.yes) await confirm(options.all ?? false)
  const steps = direction === 'up' ? await migrateUp(db) : await migrateDown(db, options.all ?? false)
  const lines = steps.map((step) => `${step.direction.toLowerCase().padEnd(4)} ${step.name}`)
  printChanges(options, steps, lines.join('\n') || NOTHING[direction])
}

/** @throws UsageError when a person does not agree, or there is none at the terminal. */
async function confirm(all: boolean): Promise<void> {
  const what = all ? 'all migrations' : 'the last migration'
  if (!process.stdin.isTTY) {
    throw new UsageError(
      `Reverting ${what} drops tables or views, so it has to be confirmed.`,
      'Add --yes, or run it on a terminal.',
    )
  }
  const { createInterface } = await import('node:readline/promises')
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    // Ctrl-C and the end of the input are no agreement.
    const left = new AbortController()
    for (const event of ['SIGINT', 'close']) terminal.once(event, () => left.abort())
    const typed = await terminal
      .question(`Revert ${what}? This drops tables or views. [y/N] `, left)
      .catch(() => '')
    if (!/^y(es)?$/i.test(typed.trim()))
      throw new UsageError('Nothing was reverted.', 'To revert, type y, or add --yes.')
  } finally {
    terminal.close()
  }
}

/** Only the owner of the tables can migrate; at first, that is a role that may create a schema. */
async function explainOwner(
  db: Kysely<Database>,
  detail: string,
  options: ErrorOptions,
): Promise<DatabaseError> {
  const { readOwnership } = await import('../operations/roles/read-privileges.ts')
  const { owner, current } = await readOwnership(db)
  if (owner === null) {
    return new DatabaseError(
      `The role ${current} may not create the schemas identifai and identifai_reporting (${detail}).`,
      'Let a superuser execute deploy/create-roles.sql, and migrate as identifai_owner; or GRANT CREATE ON DATABASE to this role.',
      options,
    )
  }
  return new DatabaseError(
    `The tables belong to the role ${owner}, so ${current} cannot migrate (${detail}).`,
    `Migrate as ${owner}. To give the tables to ${current}, let a superuser execute deploy/change-owner.sql.`,
    options,
  )
}

const NOTHING = { up: 'Nothing to apply: the database is up to date.', down: 'Nothing to revert.' }
