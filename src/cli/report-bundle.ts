import { openDatabase } from './open-app.ts'
import { PERIOD_HELP, reportingCommand, requestedReport, saySaved } from './report-request.ts'

export function reportBundleCommand() {
  return reportingCommand('bundle')
    .description('the compliance report with its proofs in one file, for whoever does not trust the operator')
    .addHelpText(
      'after',
      `${PERIOD_HELP}
A bundle has the report, every event's revisions and every note with a proof that they were sealed, and the heads of all
runs: one JSON document a line. docs/bundle.md describes it; report verify, and docs/verify_bundle.py, check it without
a database.

Example:
  $ identifai-sync report bundle --from 2026-07-01 --to 2026-10-01 --output q3.bundle.jsonl`,
    )
    .action(async (options) => {
      const { bundleLines } = await import('../compliance/report/bundle/bundle-lines.ts')
      const { writeOutput } = await import('../platform/terminal/output.ts')
      await using app = await openDatabase()
      const report = await requestedReport(app.db, options)
      await writeOutput(bundleLines(app.db, report), options.output)
      saySaved(report, options.output)
    })
}
