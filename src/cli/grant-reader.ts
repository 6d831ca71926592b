import { Command } from '@commander-js/extra-typings'
import { openDatabase } from './open-app.ts'
import { printResult } from './print-result.ts'

export function grantReaderCommand() {
  return new Command('grant-reader')
    .description('let a database role read the reporting views, and nothing else')
    .argument('<role>', 'an existing role, for example of a BI tool')
    .option('--tables', 'also the data tables: results, history and payloads')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
The role can read the views of schema identifai_reporting, and those of later versions when the same role migrates. It
cannot write, and cannot read the tables of the job. Without --tables, access to the data tables is revoked. The
settings jit and random_page_cost are changed for the role in this database, because the views are faster then. Where
that needs an administrator, the command prints the statements. Run this as the role that migrates. Needs DATABASE_URL
only.

Example:
  $ psql -c "CREATE ROLE metabase LOGIN PASSWORD '...'"
  $ identifai-sync grant-reader metabase`,
    )
    .action(async (role, options) => {
      const { grantReader } = await import('../operations/roles/grants.ts')
      await using app = await openDatabase()
      const withTables = options.tables === true
      const { statementsForAdministrator: statements } = await grantReader(app.db, role, { withTables })
      printResult(
        options,
        {
          role,
          views: 'identifai_reporting',
          tables: withTables,
          statements_for_administrator: statements,
        },
        `${role} may read the views of identifai_reporting${withTables ? ' and the data tables of identifai' : ''}. Start with:
  SELECT view_name, column_name, description FROM identifai_reporting.data_dictionary;${
    statements.length === 0
      ? ''
      : `
Some of its queries are slow until an administrator of the database executes this:
${statements.map((statement) => `  ${statement};`).join('\n')}`
  }`,
      )
    })
}
