import { Command } from '@commander-js/extra-typings'
import type { Kysely } from 'kysely'
import type { Database } from '../platform/postgres/database.ts'
import type { Report } from '../compliance/report/report.ts'
import { parseTime } from './parse.ts'

/** A command that makes a report, with the options that say on what. */
export function reportingCommand(name: string) {
  return new Command(name)
    .option('--from <time>', 'start of the period (included); without it, from the beginning', parseTime)
    .option(
      '--to <time>',
      'end of the period (not included); without it, as far as every finished identifier has been asked',
      parseTime,
    )
    .option(
      '--as-of <time>',
      'look at history as the last run knew it that had ended by then; without it, the newest',
      parseTime,
    )
    .option(
      '--allow-incomplete',
      'make it even if something could have gone unseen, with that stated in its head',
    )
    .option('--output <file>', 'write to this file instead of standard output')
}

interface Options {
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly asOf?: string | undefined
  readonly allowIncomplete?: true | undefined
}

/**
 * The report that the options ask for.
 *
 * @throws ReportRefusedError when it would not be complete, and nobody has allowed that.
 */
export async function requestedReport(
  db: Kysely<Database>,
  { from, to, asOf, allowIncomplete }: Options,
): Promise<Report> {
  const { audioEndpoint } = await import('../media/audio/endpoint.ts')
  const { readReport } = await import('../compliance/report/read-report.ts')
  const { refuseIncomplete } = await import('../compliance/report/refuse-incomplete.ts')
  const report = await readReport(db, {
    media: audioEndpoint.media,
    from: from ?? null,
    to: to ?? null,
    asOf: asOf ?? null,
  })
  if (!allowIncomplete) await refuseIncomplete(db, report)
  else
    for (const { statement } of report.head.coverage.gaps)
      console.error(`warning: not complete. ${statement}`)
  return report
}

/** What to write down of a report that went to a file, on standard error. */
export function saySaved({ head, data_digest }: Report, output: string | undefined): void {
  if (output === undefined) return
  console.error(
    `Written: ${output}, as of ${head.as_of.finished_at} (chain position ${head.as_of.chain_position}), data digest ${data_digest}`,
  )
}

export const PERIOD_HELP = `
Times are a date (its start in UTC) or an ISO 8601 time (UTC when it names no zone). Made again later with the same
period and --as-of, a report has the same data_digest, whatever has happened since. Needs DATABASE_URL only, and writes
nothing to the database.
Exit code 6 when it is refused because something before the end of the period could have gone unseen.
`
