import { Command } from '@commander-js/extra-typings'
import type { Finding } from '../operations/doctor/finding.ts'
import { asCalled } from '../platform/called-as.ts'
import { printable } from '../platform/text.ts'
import { print, printJson, printSuccess } from '../platform/terminal/output.ts'
import { parseText } from './parse.ts'

export function doctorCommand() {
  return new Command('doctor')
    .description('check everything that a run needs, and print a remedy for each problem')
    .option(
      '--probe <identifier>',
      'also test how the API behaves where it is not documented; needs an identifier that has a result',
      parseText,
    )
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Checks the configuration, the database (version, migrations, privileges, sequences), the API with its key, and the
clocks. Sends one request for an unknown identifier, and after a 404 another one for a known identifier. The option
--probe sends six more requests; its output has no values, so that it can be shared. Writes nothing but the quota slots
of these requests.

The exit code is 0 when nothing failed, otherwise that of the first failure:
  2  configuration
  4  the API refuses the key
  5  database
  7  the API does not respond, or its response makes no sense

Examples:
  $ identifai-sync doctor
  $ identifai-sync doctor --probe \\
      "$(psql "$DATABASE_URL" -Atc "SELECT identifier FROM identifai.identifiers WHERE state = 'done' LIMIT 1")"`,
    )
    .action(async (options) => {
      const { readEnvironment } = await import('../platform/config/environment.ts')
      const { examine } = await import('../operations/doctor/examine.ts')
      const { exitCodeOfFindings } = await import('../operations/doctor/finding.ts')
      const { environment, unknown } = readEnvironment()
      const findings = await examine(environment, {
        unknown,
        known: options.probe,
        onFinding: (finding) => {
          if (options.json) return
          const isProblem = finding.status === 'failed' || finding.status === 'warning'
          if (isProblem) print(describe(finding))
          else printSuccess(describe(finding))
        },
      })
      if (options.json) printJson(findings)
      process.exitCode = exitCodeOfFindings(findings)
    })
}

function describe({ check, status, found, remedy }: Finding): string {
  const lines = found.split('\n').map(printable).join('\n')
  return `${status.padEnd(8)} ${check}: ${lines}${remedy === null ? '' : `\n${' '.repeat(9)}${asCalled(printable(remedy))}`}`
}
