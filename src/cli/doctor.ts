import { Command, InvalidArgumentError } from '@commander-js/extra-typings'
import type { Finding } from '../operations/doctor/finding.ts'
import { printable } from '../platform/text.ts'
import { print, printJson } from '../platform/terminal/output.ts'

export function doctorCommand() {
  return new Command('doctor')
    .description('look at everything that a pass needs, and say what is wrong and how to mend it')
    .option(
      '--probe <identifier>',
      'ask the API, too, how it behaves where its documentation is silent; takes one that has a result',
      parseKnown,
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
  $ identifai-sync doctor --probe \\
      "$(psql "$DATABASE_URL" -Atc "SELECT identifier FROM identifai.identifiers WHERE state = 'done' LIMIT 1")"`,
    )
    .action(async (options) => {
      const { createApp } = await import('../app.ts')
      const { readEnvironment } = await import('../platform/config/config.ts')
      const { checkConfiguration } = await import('../operations/doctor/check-configuration.ts')
      const { examine } = await import('../operations/doctor/examine.ts')
      const { exitCodeOfFindings } = await import('../operations/doctor/finding.ts')
      const { createLogger } = await import('../platform/logger.ts')
      const onFinding = (finding: Finding) => {
        if (!options.json) print(describe(finding))
      }
      const { config, findings } = checkConfiguration(readEnvironment())
      findings.forEach(onFinding)
      if (config !== undefined) {
        // Its findings say what the log would.
        await using app = createApp(config, { logger: createLogger({ level: 'silent', terminal: false }) })
        findings.push(...(await examine(app, { known: options.probe, onFinding })))
      }
      if (options.json) printJson(findings)
      process.exitCode = exitCodeOfFindings(findings)
    })
}

function parseKnown(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('It must be an identifier that has a result.')
  return text
}

function describe({ check, status, found, remedy }: Finding): string {
  const lines = found.split('\n').map(printable).join('\n')
  return `${status.padEnd(8)} ${check}: ${lines}${remedy === null ? '' : `\n${' '.repeat(9)}${printable(remedy)}`}`
}
