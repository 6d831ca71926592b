import { Command, type CommandUnknownOpts } from '@commander-js/extra-typings'
import { VERSION } from '../platform/version.ts'
import { annotateCommand } from './annotate.ts'
import { demoCommand } from './demo.ts'
import { distributeCommand } from './distribute.ts'
import { doctorCommand } from './doctor.ts'
import { enqueueCommand } from './enqueue.ts'
import { explainCommand } from './explain.ts'
import { grantEnqueuerCommand } from './grant-enqueuer.ts'
import { grantReaderCommand } from './grant-reader.ts'
import { DOCUMENTS } from './installation.ts'
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
    distributeCommand(),
    doctorCommand(),
    simulateCommand(),
    demoCommand(),
  ]
  for (const command of commands) program.addCommand(command)
  behaveAlike(program)
  return program
}

/** Errors are thrown, for one place to turn them into exit codes, and say where help is; of subcommands, too. */
function behaveAlike(command: CommandUnknownOpts): void {
  command.exitOverride().helpOption('-h, --help', 'print help').showHelpAfterError('Try --help.')
  if (command.commands.length > 0) command.helpCommand('help [command]', 'print help of a command')
  command.commands.forEach(behaveAlike)
}

const AFTER_HELP = `
Examples:
  $ identifai-sync demo                          see all of it work, with nothing installed
  $ identifai-sync migrate                       create or update the tables
  $ identifai-sync enqueue --file calls.csv      track the identifiers of a file
  $ identifai-sync sync                          one pass: ask for all that is due
  $ identifai-sync schedule                      every night by itself, and what is new within a minute
  $ identifai-sync doctor                        what is wrong, and how to mend it

Settings come from the environment, or a .env file in the working directory:
  DATABASE_URL                PostgreSQL, postgresql://user:password@host:5432/name; for every command
  DATABASE_URL_FILE           a file that holds it instead
  IDENTIFAI_API_KEY           for sync, schedule, doctor, plan and replay
  IDENTIFAI_API_KEY_FILE      a file that holds it instead
  IDENTIFAI_API_URL           https://backend.identifai.net/api
  SYNC_BATCH_SIZE             100        identifiers in a request, at most 100
  SYNC_MAX_URL_BYTES          8000       longest request target
  SYNC_REQUESTS_PER_SECOND    2          quota of the key, shared by all processes
  SYNC_REQUESTS_PER_MINUTE    60         the same
  SYNC_CONCURRENCY            2          batches in flight at once
  SYNC_REQUEST_TIMEOUT_MS     30000      for a whole answer
  SYNC_RETRIES                5          tries after the first
  SYNC_RETRY_BASE_MS          1000       bound of the first delay; it doubles to a minute
  SYNC_LEASE_SECONDS          120        how long a dead process holds its identifiers
  SYNC_MISSING_AFTER          5          absences in a row that make an identifier missing
  SYNC_REFRESH_HOURS          12         when a finished identifier is due again
  SYNC_MAX_DURATION_MINUTES   none       a pass that has lasted this long claims nothing more
  SYNC_SCHEDULE               0 2 * * *  nightly passes of schedule
  SYNC_FRESH_SCHEDULE         * * * * *  its fresh passes
  SYNC_TIMEZONE               UTC        of both
  HTTP_HOST                   127.0.0.1  where schedule serves health and metrics
  HTTP_PORT                   9464
  HTTP_READY_MAX_AGE_HOURS    26         not ready when the last success is older
  HTTPS_PROXY, NO_PROXY       none       a proxy, and what not to use it for
  NODE_EXTRA_CA_CERTS         none       a private certificate authority; in the environment only
  LOG_LEVEL                   info       trace, debug, info, warn, error or silent

Exit codes: 0 fine, 1 unexpected, 2 usage or configuration, 3 partial, 4 key refused, 5 database,
6 verification failed, 7 gave up, 129/130/143 interrupted.
Documentation: ${DOCUMENTS}`
