import { Command, type CommandUnknownOpts } from '@commander-js/extra-typings'
import { VERSION } from '../version.ts'
import { annotateCommand } from './annotate.ts'
import { demoCommand } from './demo.ts'
import { doctorCommand } from './doctor.ts'
import { enqueueCommand } from './enqueue.ts'
import { explainCommand } from './explain.ts'
import { grantEnqueuerCommand } from './grant-enqueuer.ts'
import { grantReaderCommand } from './grant-reader.ts'
import { migrateCommand } from './migrate.ts'
import { planCommand } from './plan.ts'
import { pruneCommand } from './prune.ts'
import { reconcileCommand } from './reconcile.ts'
import { replayCommand } from './replay.ts'
import { reportCommand } from './report.ts'
import { requeueCommand } from './requeue.ts'
import { retireCommand } from './retire.ts'
import { scheduleCommand } from './schedule.ts'
import { simulateCommand } from './simulate.ts'
import { statusCommand } from './status.ts'
import { syncCommand } from './sync.ts'

/** The command line. Commands load what they work with only when they run, so that --help is quick. */
export function createProgram(): Command {
  const program = new Command('identifai-sync')
    .description(
      "Brings the results of identifAI's audio deepfake detection home: asks the API for pending identifiers in " +
        'batches of 100 and keeps the answers, with their history, in PostgreSQL tables.',
    )
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help of a command')
    .exitOverride()
    .addHelpText('after', AFTER_HELP)
  const commands = [
    migrateCommand(),
    enqueueCommand(),
    syncCommand(),
    scheduleCommand(),
    statusCommand(),
    planCommand(),
    requeueCommand(),
    retireCommand(),
    replayCommand(),
    explainCommand(),
    annotateCommand(),
    reportCommand(),
    reconcileCommand(),
    pruneCommand(),
    grantReaderCommand(),
    grantEnqueuerCommand(),
    doctorCommand(),
    simulateCommand(),
    demoCommand(),
  ]
  for (const command of commands) {
    behaveAlike(command)
    program.addCommand(command)
  }
  return program.showHelpAfterError('Try --help.')
}

/** Errors are thrown, for one place to turn them into exit codes, and say where help is; of subcommands, too. */
function behaveAlike(command: CommandUnknownOpts): void {
  command.exitOverride().helpOption('-h, --help', 'print help').showHelpAfterError('Try --help.')
  command.commands.forEach(behaveAlike)
}

const AFTER_HELP = `
Examples:
  $ identifai-sync demo                          see all of it work, with nothing installed
  $ identifai-sync migrate                       create or update the tables
  $ identifai-sync enqueue --file calls.csv      track the identifiers of a file
  $ identifai-sync sync                          one pass: ask for all that is due

Configuration comes from the environment or a .env file: DATABASE_URL for all, IDENTIFAI_API_KEY for sync,
schedule, doctor, plan and replay; either from a file that DATABASE_URL_FILE or IDENTIFAI_API_KEY_FILE names. README.md has the
others.
Exit codes: 0 fine, 1 unexpected, 2 usage or configuration, 3 partial, 4 key refused, 5 database,
6 verification failed, 7 gave up, 129/130/143 interrupted.`
