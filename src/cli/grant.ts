import { Command, Option } from '@commander-js/extra-typings'
import type { Grant } from '../operations/roles/grant.ts'
import { openDatabase } from './open-app.ts'
import { printChanges } from './print-result.ts'

const REVOKE_OTHERS = ['--revoke-others', 'leave the role with the privileges of this command only'] as const

/** The end of the help of each command. */
const RULES = `
Prints each privilege that it grants or revokes. A role with other privileges is refused, because a program may need
them. But one role can enqueue and read. Run this as the role that migrates. Needs DATABASE_URL only.`

export function grantJobCommand() {
  return new Command('grant-job')
    .description('let a database role execute runs; it cannot change history')
    .argument('<role>', 'an existing role, which the job will use')
    .option('--annotate', 'also to write notes on overrides, with the command annotate')
    .option(...REVOKE_OTHERS)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
The role can use every command but migrate, prune, redact, distribute, undistribute and those that grant.${RULES}

Example:
  $ psql -c "CREATE ROLE identifai_sync LOGIN PASSWORD '...'"
  $ identifai-sync grant-job identifai_sync`,
    )
    .action(async (role, options) => {
      const { grantJob } = await import('../operations/roles/grant.ts')
      await using app = await openDatabase('owner')
      const result = await grantJob(app.db, role, {
        annotates: options.annotate ?? false,
        revokesOthers: options.revokeOthers ?? false,
      })
      printChanges(options, { role, ...result }, `${role} can execute runs.\n${await describeGrant(result)}`)
    })
}

export function grantReaderCommand() {
  return new Command('grant-reader')
    .description('let a database role read the reporting views')
    .argument('<role>', 'an existing role, for example of a BI tool')
    .option('--tables', 'also the data tables: results, history and payloads')
    .addOption(
      new Option('--without-personal', 'the views without name, ref_id and result_url').conflicts('tables'),
    )
    .option(...REVOKE_OTHERS)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
The role can read the views of schema identifai_reporting, and those of later versions when the same role migrates. It
cannot read the tables of the job. On a Citus cluster, it can also read the tables below the views, without payloads.
With --without-personal, SELECT * is refused for views with such a column, so name the others. The views of later
versions need this command again then.
The settings jit and random_page_cost are changed for the role in this database, because the views are faster then.
Where that needs an administrator, the command prints the statements.${RULES}

Example:
  $ psql -c "CREATE ROLE metabase LOGIN PASSWORD '...'"
  $ identifai-sync grant-reader metabase`,
    )
    .action(async (role, options) => {
      const { grantReader } = await import('../operations/roles/grant.ts')
      await using app = await openDatabase('owner')
      const withTables = options.tables ?? false
      const withoutPersonal = options.withoutPersonal ?? false
      const { statementsForAdministrator: statements, ...result } = await grantReader(app.db, role, {
        withTables,
        withoutPersonal,
        revokesOthers: options.revokeOthers ?? false,
      })
      const text = [
        `${role} can read the views of identifai_reporting${withTables ? ' and the data tables of identifai' : withoutPersonal ? ', without name, ref_id and result_url' : ''}. Start with:`,
        '  SELECT view_name, column_name, description FROM identifai_reporting.data_dictionary;',
        await describeGrant(result),
        ...(statements.length > 0
          ? [
              'Some of its queries are slow until an administrator of the database executes this:',
              ...statements.map((statement) => `  ${statement};`),
            ]
          : []),
      ]
      printChanges(options, { role, ...result, statements_for_administrator: statements }, text.join('\n'))
    })
}

export function grantEnqueuerCommand() {
  return new Command('grant-enqueuer')
    .description('let a database role enqueue identifiers')
    .argument('<role>', 'an existing role, for example of the application that submits the audio')
    .option(...REVOKE_OTHERS)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
The role can insert identifiers and request refreshes. It cannot read them. Therefore write ON CONFLICT DO NOTHING
without column names, and no RETURNING.${RULES}

Example:
  $ psql -c "CREATE ROLE recorder LOGIN PASSWORD '...'"
  $ identifai-sync grant-enqueuer recorder`,
    )
    .action(async (role, options) => {
      const { grantEnqueuer } = await import('../operations/roles/grant.ts')
      await using app = await openDatabase('owner')
      const result = await grantEnqueuer(app.db, role, { revokesOthers: options.revokeOthers ?? false })
      printChanges(
        options,
        { role, ...result },
        `${role} can enqueue identifiers:
  INSERT INTO identifai.identifiers (identifier, submitted_at, source) VALUES ('...', now(), 'calls') ON CONFLICT DO NOTHING;
  SELECT identifai.request_refresh('...');
${await describeGrant(result)}`,
      )
    })
}

export function grantMaintenanceCommand() {
  return new Command('grant-maintenance')
    .description('let a database role prune and redact')
    .argument('<role>', 'an existing role, for MAINTENANCE_DATABASE_URL')
    .option(...REVOKE_OTHERS)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
The role can remove payloads and personal values. It cannot execute runs, change history or notes, or read the views.
So the role of the job needs no right to remove anything.${RULES}

Example:
  $ psql -c "CREATE ROLE identifai_maintenance LOGIN PASSWORD '...'"
  $ identifai-sync grant-maintenance identifai_maintenance`,
    )
    .action(async (role, options) => {
      const { grantMaintenance } = await import('../operations/roles/grant.ts')
      await using app = await openDatabase('owner')
      const result = await grantMaintenance(app.db, role, { revokesOthers: options.revokeOthers ?? false })
      printChanges(
        options,
        { role, ...result },
        `${role} can prune and redact.\n${await describeGrant(result)}`,
      )
    })
}

async function describeGrant({ granted, revoked }: Grant): Promise<string> {
  const { joinByObject } = await import('../operations/roles/privileges.ts')
  if (granted.length + revoked.length === 0)
    return 'Nothing was changed, because it already had these privileges.'
  const statements = [
    ...joinByObject(granted).map((privileges) => `  GRANT ${privileges}`),
    ...joinByObject(revoked).map((privileges) => `  REVOKE ${privileges}`),
  ]
  return ['Executed for it:', ...statements].join('\n')
}
