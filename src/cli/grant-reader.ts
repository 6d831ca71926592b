import { Command } from '@commander-js/extra-typings'
import { print, printJson } from '../platform/terminal/output.ts'
import { openDatabase } from './open-app.ts'

export function grantReaderCommand() {
  return new Command('grant-reader')
    .description('let a database role read the reporting views, and nothing else')
    .argument('<role>', 'an existing role; of a BI tool, for instance')
    .option('--tables', 'the data tables, too: results, history and kept records')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
The role reads the views of schema identifai_reporting, those of later versions too, when the same role migrates. It
cannot write, and does not see the tables of the job itself. Without --tables, the data tables are taken away again if
it had them. Run it as the role that migrates; it needs DATABASE_URL only.

Example:
  $ psql -c "CREATE ROLE metabase LOGIN PASSWORD '...'"
  $ identifai-sync grant-reader metabase`,
    )
    .action(async (role, options) => {
      const { grantReader } = await import('../operations/roles/grant-reader.ts')
      await using app = await openDatabase()
      const withTables = options.tables === true
      await grantReader(app.db, role, { withTables })
      if (options.json) printJson({ role, views: 'identifai_reporting', tables: withTables })
      else {
        print(
          `${role} may read the views of identifai_reporting${withTables ? ' and the data tables of identifai' : ''}. Begin with:
  SELECT view_name, column_name, description FROM identifai_reporting.data_dictionary;`,
        )
      }
    })
}
