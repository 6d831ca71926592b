import { Command } from '@commander-js/extra-typings'
import { openDatabase } from './open-app.ts'
import { printResult } from './print-result.ts'

export function grantEnqueuerCommand() {
  return new Command('grant-enqueuer')
    .description('let a database role enqueue identifiers, and nothing else')
    .argument('<role>', 'an existing role, for example of the application that submits the audio')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
The role can insert identifiers and request refreshes. It cannot read. Therefore write ON CONFLICT DO NOTHING without
column names, and no RETURNING. Run this as the role that migrates. Needs DATABASE_URL only.

Example:
  $ psql -c "CREATE ROLE recorder LOGIN PASSWORD '...'"
  $ identifai-sync grant-enqueuer recorder`,
    )
    .action(async (role, options) => {
      const { grantEnqueuer } = await import('../operations/roles/grants.ts')
      await using app = await openDatabase()
      await grantEnqueuer(app.db, role)
      printResult(
        options,
        { role, inserts: 'identifai.identifiers', calls: 'identifai.request_refresh' },
        `${role} can enqueue identifiers:
  INSERT INTO identifai.identifiers (identifier, submitted_at, source) VALUES ('...', now(), 'calls') ON CONFLICT DO NOTHING;
  SELECT identifai.request_refresh('...');`,
      )
    })
}
