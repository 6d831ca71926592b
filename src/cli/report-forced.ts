import { Option } from '@commander-js/extra-typings'
import type { Report } from '../compliance/report/report.ts'
import { openDatabase } from './open-app.ts'
import { PERIOD_HELP, reportingCommand, requestedReport, saySaved } from './report-request.ts'

const FORMATS = ['table', 'csv', 'json', 'html'] as const

export function reportForcedCommand() {
  return reportingCommand('forced')
    .description(
      'the compliance report: which classifications were forced, when that was seen, and what explains it',
    )
    .addOption(new Option('--format <format>', 'how to write it').choices(FORMATS).default('table' as const))
    .option('--json', 'the same as --format json')
    .addHelpText(
      'after',
      `${PERIOD_HELP}
Examples:
  $ identifai-sync report forced --from 2026-07-01 --to 2026-10-01
  $ identifai-sync report forced --from 2026-07-01 --to 2026-10-01 --as-of 2026-10-02T06:00Z \\
      --format html --output q3.html`,
    )
    .action(async (options) => {
      const { writeOutput } = await import('../platform/terminal/output.ts')
      await using app = await openDatabase()
      const report = await requestedReport(app.db, options)
      await writeOutput(await textOf(report, options.json ? 'json' : options.format), options.output)
      saySaved(report, options.output)
    })
}

async function textOf(
  report: Report,
  format: (typeof FORMATS)[number],
): Promise<Iterable<string> | AsyncIterable<string>> {
  switch (format) {
    case 'table':
      return [`${(await import('../compliance/report/format/table.ts')).tableText(report)}\n`]
    case 'csv':
      return (await import('../compliance/report/format/csv.ts')).csvText(report)
    case 'json':
      return (await import('../compliance/report/format/json.ts')).jsonText(report)
    case 'html':
      return (await import('../compliance/report/format/html/page.ts')).htmlText(report)
  }
}
