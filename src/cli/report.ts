import { Command, Option } from '@commander-js/extra-typings'
import type { Kysely } from 'kysely'
import { periodText, zonedText } from '../compliance/report/time-zone.ts'
import { formatReport, REPORT_FORMATS } from '../compliance/report/format/format-report.ts'
import type { Report } from '../compliance/report/schema.ts'
import type { Database } from '../platform/postgres/database.ts'
import { openDatabase } from './open-app.ts'
import { timeText } from '../platform/time.ts'
import { printNotice } from '../platform/terminal/output.ts'
import { parseHead, parseLocalTime, parsePeriod, parseTime, parseTimeZone } from './parse.ts'
import { reportVerifyCommand } from './report-verify.ts'

export function reportCommand() {
  return new Command('report')
    .description('make and verify reports on forced classifications')
    .addCommand(reportForcedCommand())
    .addCommand(reportBundleCommand())
    .addCommand(reportVerifyCommand())
}

function reportForcedCommand() {
  return reportingCommand('forced')
    .description(
      'make the compliance report: the forced classifications, when each change was observed, and the notes on them',
    )
    .addOption(
      new Option('--format <format>', 'format of the report').choices(REPORT_FORMATS).default('table'),
    )
    .option('--json', 'the same as --format json')
    .addHelpText(
      'after',
      `${PERIOD_HELP}
Examples:
  $ identifai-sync report forced --period 2026-Q3
  $ identifai-sync report forced --period 2026-Q3 --as-of 2026-10-02T06:00Z --verify --format html --output q3.html
  $ identifai-sync report forced --from 2026-07-01 --to 2026-07-15`,
    )
    .action(async (options) => {
      const format = options.json ? 'json' : options.format
      await writeReport(options, (report) => formatReport(report, format))
    })
}

function reportBundleCommand() {
  return reportingCommand('bundle')
    .description(
      'make the compliance report with its proofs in one file, for auditors who do not rely on the operator',
    )
    .option(
      '--head <hash...>',
      'chain heads that were kept elsewhere, which the bundle can be compared with',
      collectHeads,
    )
    .addHelpText(
      'after',
      `${PERIOD_HELP}
A bundle has the report, and the revisions of every event and every note, with proofs that they were sealed. Each line
is a JSON document. docs/bundle.md describes the format. report verify and docs/verify_bundle.py check a bundle without
a database. It can be compared with its own chain head, and with the chain heads of --head, which are older or newer.

Example:
  $ identifai-sync report bundle --period 2026-Q3 --output q3.bundle.jsonl`,
    )
    .action(async (options) => {
      const { bundleLines } = await import('../compliance/report/read/bundle-lines.ts')
      await writeReport(options, (report, db) => bundleLines(db, report, options.head ?? []))
    })
}

/** A command that makes a report, with the options that select its contents. */
function reportingCommand(name: string) {
  return new Command(name)
    .addOption(
      new Option('--period <period>', 'a year, a quarter or a month: 2026, 2026-Q3 or 2026-09')
        .argParser(parsePeriod)
        .conflicts(['from', 'to']),
    )
    .option('--from <time>', 'start of the period (included; default: the beginning)', parseLocalTime)
    .option(
      '--to <time>',
      'end of the period (not included; default: the moment up to which all changes were observed)',
      parseLocalTime,
    )
    .option(
      '--time-zone <zone>',
      'time zone of the period and of the weeks, such as Europe/Rome (default: UTC)',
      parseTimeZone,
    )
    .option(
      '--as-of <time>',
      'describe the history as of the last run that had ended by then (default: the newest run)',
      parseTime,
    )
    .option('--media <medium>', 'medium of the report (default: audio)')
    .option(
      '--allow-incomplete',
      'make the report even if it is not complete, and state the gaps in its head',
    )
    .option(
      '--verify',
      'verify the history up to the as-of first, and refuse the report if it is not as it was sealed',
    )
    .option('--output <file>', 'write to this file instead of standard output (-)')
}

function collectHeads(text: string, heads: readonly string[] = []): readonly string[] {
  return [...heads, parseHead(text)]
}

type Options = ReturnType<ReturnType<typeof reportingCommand>['opts']>

/**
 * Writes the report that the options select. Throws a ReportRefusedError when it would not be complete, and the options do
 * not allow that. For a file, standard error gets the facts that identify the report.
 */
async function writeReport(
  options: Options,
  textOf: (report: Report, db: Kysely<Database>) => AsyncIterable<string> | ReturnType<typeof formatReport>,
): Promise<void> {
  const { from = null, to = null } = options.period ?? options
  const { asOf = null, verify, timeZone, output } = options
  const { DEFAULT_MEDIA, endpointOf } = await import('../media/registry.ts')
  const { readReport } = await import('../compliance/report/read/read-report.ts')
  const { refuseIncomplete } = await import('../compliance/report/read/refuse-incomplete.ts')
  const { writeOutput } = await import('../platform/terminal/output.ts')
  await using app = await openDatabase()
  const { media } = endpointOf(options.media ?? DEFAULT_MEDIA)
  const report = await readReport(app.db, { media, from, to, asOf, verify, timeZone })
  const { period, as_of, coverage } = report.head
  if (!options.allowIncomplete) await refuseIncomplete(app.db, report)
  if (to === null && coverage.gaps.length === 0)
    printNotice(
      `The period ends at ${zonedText(period, 'to')}, because all changes up to then were observed.`,
    )
  for (const { statement } of coverage.gaps) printNotice(`warning: not complete. ${statement}`)
  await writeOutput(await textOf(report, app.db), output)
  if (output === undefined || output === '-') return
  printNotice(
    `Written: ${output}. Period ${periodText(period)}, as of ${timeText(as_of.finished_at, 'none')} (chain position ${as_of.chain_position}), data digest ${report.data_digest}`,
  )
}

const PERIOD_HELP = `
A time is a date (the start of that day), or an ISO 8601 time. Without a zone of its own, a time of the period is in
--time-zone, and --as-of in UTC. A report that is made again for the same period, time zone and --as-of has the same
data_digest. Needs DATABASE_URL only, and writes nothing to the database.
Exit code 6 when the report is refused, because it may lack a change before the end of the period.
`
