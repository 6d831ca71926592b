import { Command } from '@commander-js/extra-typings'
import type { Finding } from '../doctor/finding.ts'
import { printable } from '../printable.ts'
import { print, printJson } from '../terminal/print.ts'

export function doctorCommand() {
  return new Command('doctor')
    .description('look at everything that a pass needs, and say what is wrong and how to mend it')
    .option(
      '--probe <identifier>',
      'ask the API, too, how it behaves where its documentation is silent; takes a known one',
    )
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Looks at the configuration, the database (version, migrations, privileges, sequences), the clocks, and whether the API
accepts the key: one request, for an invented identifier. --probe takes six more; what it prints names no value, and can
be sent to anybody. Nothing is written but the slots of the quota that these requests take.
Exit codes: 0 nothing failed, else that of the first failure: 2 configuration, 5 database, 4 the API refuses the key,
7 it does not answer, or makes no sense.

Examples:
  $ identifai-sync doctor
  $ identifai-sync doctor --probe "$(psql -Atc 'SELECT identifier FROM identifai_reporting.classifications LIMIT 1')"`,
    )
    .action(async (options) => {
      const { createApp } = await import('../app.ts')
      const { parseSyncConfig, readEnvironment } = await import('../config.ts')
      const { examine } = await import('../doctor/examine.ts')
      const { exitCodeOfFindings, failed, ok } = await import('../doctor/finding.ts')
      const { EXIT_CODE, UsageError } = await import('../errors.ts')
      const { createLogger } = await import('../logger.ts')
      const tell = (finding: Finding) => {
        if (!options.json) print(describe(finding))
      }
      const configuration = () => {
        try {
          return parseSyncConfig(readEnvironment())
        } catch (error) {
          if (error instanceof UsageError) return error
          throw error
        }
      }
      const config = configuration()
      if (config instanceof Error) {
        const finding = failed(
          'configuration',
          config.message.replace('Configuration: ', ''),
          'README.md has every variable.',
          EXIT_CODE.usage,
        )
        tell(finding)
        if (options.json) printJson([finding])
        process.exitCode = EXIT_CODE.usage
        return
      }
      const first = ok('configuration', `Requests go to ${config.apiUrl}.`)
      tell(first)
      // Its findings say what the log would.
      await using app = createApp(config, { logger: createLogger({ level: 'silent', terminal: false }) })
      const findings = [first, ...(await examine(app, { known: options.probe, onFinding: tell }))]
      if (options.json) printJson(findings)
      process.exitCode = exitCodeOfFindings(findings)
    })
}

function describe({ check, status, found, mend }: Finding): string {
  const lines = found.split('\n').map(printable).join('\n')
  return `${status.padEnd(8)} ${check}: ${lines}${mend === null ? '' : `\n${' '.repeat(9)}${printable(mend)}`}`
}
