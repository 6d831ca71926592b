import { Command } from '@commander-js/extra-typings'
import { print, printJson } from '../platform/terminal/output.ts'
import { openDatabase } from './open-app.ts'

export function grantEnqueuerCommand() {
  return new Command('grant-enqueuer')
    .description('let a database role have identifiers tracked, and nothing else')
    .argument('<role>', 'an existing role; of the application that submits the audio, for instance')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
The role may insert identifiers and ask for a refresh. It cannot read: so write ON CONFLICT DO NOTHING without naming
columns, and no RETURNING. Run it as the role that migrates; it needs DATABASE_URL only.

Example:
  $ psql -c "CREATE ROLE recorder LOGIN PASSWORD '...'"
  $ identifai-sync grant-enqueuer recorder`,
    )
    .action(async (role, options) => {
      const { grantEnqueuer } = await import('../operations/roles/grant-enqueuer.ts')
      await using app = await openDatabase()
      await grantEnqueuer(app.db, role)
      if (options.json)
        printJson({ role, inserts: 'identifai.identifiers', calls: 'identifai.request_refresh' })
      else {
        print(`${role} may have identifiers tracked:
  INSERT INTO identifai.identifiers (identifier, submitted_at, source) VALUES ('...', now(), 'calls') ON CONFLICT DO NOTHING;
  SELECT identifai.request_refresh('...');`)
      }
    })
}
