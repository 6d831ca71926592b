import { Command, Option } from '@commander-js/extra-typings'
import type { Report } from '../report/report.ts'
import { openDatabase } from './open-app.ts'
import { parseTime } from './parse-time.ts'

const FORMATS = ['table', 'csv', 'json', 'html'] as const

export function reportForcedCommand() {
  return new Command('forced')
    .description(
      'the compliance report: which classifications were forced, when that was seen, and what explains it',
    )
    .option('--from <time>', 'start of the period (included); without it, from the beginning', parseTime)
    .option(
      '--to <time>',
      'end of the period (not included); without it, as far as every settled identifier has been asked',
      parseTime,
    )
    .option(
      '--as-of <time>',
      'look at history as the last run knew it that had ended by then; without it, the newest',
      parseTime,
    )
    .addOption(new Option('--format <format>', 'how to write it').choices(FORMATS).default('table' as const))
    .option('--json', 'the same as --format json')
    .option('--output <file>', 'write to this file instead of standard output')
    .option(
      '--allow-incomplete',
      'make it even if something could have gone unseen, with that stated in its head',
    )
    .addHelpText('after', AFTER_HELP)
    .action(async (options) => {
      const { audioEndpoint } = await import('../audio-endpoint.ts')
      const { readReport } = await import('../report/read-report.ts')
      const { refuseIncomplete } = await import('../report/refuse-incomplete.ts')
      const { writeOutput } = await import('../terminal/write-output.ts')
      await using app = await openDatabase()
      const report = await readReport(app.db, {
        media: audioEndpoint.media,
        from: options.from ?? null,
        to: options.to ?? null,
        asOf: options.asOf ?? null,
      })
      if (!options.allowIncomplete) await refuseIncomplete(app.db, report)
      await writeOutput(await textOf(report, options.json ? 'json' : options.format), options.output)
    })
}

async function textOf(
  report: Report,
  format: (typeof FORMATS)[number],
): Promise<Iterable<string> | AsyncIterable<string>> {
  switch (format) {
    case 'table':
      return [`${(await import('../report/format/table.ts')).tableText(report)}\n`]
    case 'csv':
      return (await import('../report/format/csv.ts')).csvText(report)
    case 'json':
      return (await import('../report/format/json.ts')).jsonText(report)
    case 'html':
      return (await import('../report/format/html.ts')).htmlText(report)
  }
}

const AFTER_HELP = `
Times are a date (its start in UTC) or an ISO 8601 time. Made again later with the same period and --as-of, a report has
the same data_digest, whatever has happened since. Needs DATABASE_URL only, and writes nothing.
Exit code 6 when it is refused because something before the end of the period could have gone unseen.

Examples:
  $ identifai-sync report forced --from 2026-07-01 --to 2026-10-01
  $ identifai-sync report forced --from 2026-07-01 --to 2026-10-01 --as-of 2026-10-02T06:00Z --format html --output q3.html`
