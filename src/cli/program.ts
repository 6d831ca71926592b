import { Command, type CommandUnknownOpts, Option } from '@commander-js/extra-typings'
import { VARIABLE_LINES } from '../platform/config/variables.ts'
import { asCalled } from '../platform/called-as.ts'
import { EXIT_CODE, EXIT_CODE_MEANINGS, SIGNAL_EXIT_CODES } from '../platform/errors.ts'
import { COLOR_CHOICES, chooseColor } from '../platform/terminal/color.ts'
import { beQuiet } from '../platform/terminal/output.ts'
import { VERSION } from '../platform/version.ts'
import { annotateCommand } from './annotate.ts'
import { completionCommand } from './completion.ts'
import { demoCommand } from './demo.ts'
import { distributeCommand, undistributeCommand } from './distribute.ts'
import { doctorCommand } from './doctor.ts'
import { enqueueCommand } from './enqueue.ts'
import { explainCommand } from './explain.ts'
import {
  grantEnqueuerCommand,
  grantJobCommand,
  grantMaintenanceCommand,
  grantReaderCommand,
} from './grant.ts'
import { DOCUMENTS } from './installation.ts'
import { migrateCommand } from './migrate.ts'
import { planCommand } from './plan.ts'
import { pruneCommand } from './prune.ts'
import { reconcileCommand } from './reconcile.ts'
import { redactCommand } from './redact.ts'
import { replayCommand } from './replay.ts'
import { reportCommand } from './report.ts'
import { requeueCommand } from './requeue.ts'
import { resumeCommand } from './resume.ts'
import { retireCommand } from './retire.ts'
import { scheduleCommand } from './schedule.ts'
import { simulateCommand } from './simulate.ts'
import { statusCommand } from './status.ts'
import { syncCommand } from './sync.ts'

/** Every command, in the order of the help. */
const COMMANDS: readonly (() => CommandUnknownOpts)[] = [
  migrateCommand,
  enqueueCommand,
  syncCommand,
  scheduleCommand,
  statusCommand,
  planCommand,
  requeueCommand,
  retireCommand,
  resumeCommand,
  replayCommand,
  explainCommand,
  annotateCommand,
  reportCommand,
  reconcileCommand,
  pruneCommand,
  redactCommand,
  grantJobCommand,
  grantEnqueuerCommand,
  grantReaderCommand,
  grantMaintenanceCommand,
  distributeCommand,
  undistributeCommand,
  doctorCommand,
  simulateCommand,
  demoCommand,
  completionCommand,
]

/** Creates the command line. A command loads its packages only when it runs, so that --help is fast. */
export function createProgram(): CommandUnknownOpts {
  const program = new Command('identifai-sync')
    .description(
      "Loads the results of identifAI's audio deepfake detection into PostgreSQL: requests pending identifiers from the " +
        'API in batches of 100, and stores the records, with their history, in relational tables.',
    )
    .version(VERSION, '-V, --version', 'print the version')
    .option(
      '-q, --quiet',
      'print problems and requested data only: no success, no progress, no log of a healthy run',
    )
    .addOption(
      new Option('--color <when>', 'color states and findings; NO_COLOR and FORCE_COLOR are obeyed, too')
        .choices(COLOR_CHOICES)
        .default('auto' as const),
    )
    .hook('preAction', (root) => {
      const { quiet = false, color } = root.opts()
      chooseColor(color)
      beQuiet(quiet)
      // The level of the environment takes precedence over that of .env.
      if (quiet) process.env.LOG_LEVEL = 'error'
    })
    .addHelpText('after', AFTER_HELP)
  for (const command of COMMANDS) program.addCommand(command())
  configure(program)
  return program
}

/** Makes a command and its subcommands throw their errors, which run-program.ts turns into exit codes, and refer to --help. */
function configure(command: CommandUnknownOpts): void {
  command
    .exitOverride()
    .helpOption('-h, --help', 'print help')
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('Try --help.')
    .configureOutput({
      writeOut: (text) => process.stdout.write(asCalled(text)),
      writeErr: (text) => process.stderr.write(asCalled(text)),
    })
  if (command.commands.length > 0) command.helpCommand('help [command]', 'print help of a command')
  command.commands.forEach(configure)
}

const AFTER_HELP = `
Examples:
  $ identifai-sync demo                          try everything, without a database and a key
  $ identifai-sync migrate                       create or update the tables
  $ identifai-sync enqueue --file calls.csv      track the identifiers of a file
  $ identifai-sync sync                          one run: request all identifiers that are due
  $ identifai-sync schedule                      a run every night, and new identifiers within a minute
  $ identifai-sync doctor                        check the setup, with a remedy for each problem

Settings come from the environment, or a .env file in the working directory:
${settings()}

Exit codes:
${exitCodes()}
Documentation: ${DOCUMENTS}`

function settings(): string {
  const width = Math.max(...VARIABLE_LINES.map(({ name }) => name.length))
  // A longer default than `required` would push all descriptions to the right.
  const lines = VARIABLE_LINES.map((line) => [
    line.name.padEnd(width),
    line.default.padEnd(9),
    line.description,
  ])
  return lines.map((columns) => `  ${columns.join('  ')}`).join('\n')
}

function exitCodes(): string {
  const lines = Object.entries(EXIT_CODE_MEANINGS).map(
    ([name, meaning]) => `  ${EXIT_CODE[name as keyof typeof EXIT_CODE]}  ${meaning}`,
  )
  return `${lines.join('\n')}\n  ${Object.values(SIGNAL_EXIT_CODES).join(', ')}  interrupted, after a clean stop`
}
