import { counted, count } from '../../platform/terminal/text.ts'
import type { ChainVerification } from '../../compliance/verify/verify-chain.ts'
import type { Report } from '../../compliance/report/schema.ts'
import { textTable } from '../../platform/terminal/text.ts'
import type { MigrationStep } from '../../platform/postgres/migrate.ts'
import type { SyncRunRow } from '../../platform/postgres/tables/runs.ts'
import type { EnqueueResult } from '../../pipeline/queue/enqueue/enqueue.ts'

type Row = Readonly<Record<string, string | number | null>>

export type DemoOutput = ReturnType<typeof createDemoOutput>

/** Prints the steps of the demo, for a reader who does not know the product. */
export function createDemoOutput(print: (text: string) => void) {
  let step = 0
  const heading = (text: string) => print(`\n${++step}. ${text}`)
  let questions = 0
  return {
    started: (steps: readonly MigrationStep[], apiUrl: string) => {
      heading('Start: a temporary PostgreSQL, a simulated identifAI API, the tables.')
      print(
        `   ${counted(steps.length, 'migration')} applied to the schema identifai. The API is at ${apiUrl}.`,
      )
    },
    enqueued: ({ added }: EnqueueResult) => {
      heading('Enqueue: an application has submitted audio and enqueues the identifiers.')
      print(`   ${counted(added, 'identifier')} added to identifai.identifiers. All are pending.`)
    },
    firstRunEnded: (run: SyncRunRow) => {
      heading('First run: request all of them, 100 per request.')
      print(runTable(run))
      print(`   ${count(run.pending)} analyses have not finished yet. A later run requests them again.`)
    },
    overridden: (files: number, identifiers: number, refreshRequests: number) => {
      heading('Meanwhile: the analyses finish, and some verdicts are overridden.')
      print(
        `   ${counted(files, 'file')} forced to "human" by file hash, which changes ${counted(identifiers, 'identifier')}. The API does not report it.`,
      )
      print(
        `   An application requests a refresh of the ${count(refreshRequests)} pending ones: select identifai.request_refresh('<identifier>').`,
      )
    },
    secondRunEnded: (run: SyncRunRow) => {
      heading(
        'Second run: the pending ones, and every finished one again, because finished results still change.',
      )
      print(runTable(run))
      print(
        `   ${count(run.unchanged)} are unchanged: the run wrote only their rows in identifai.identifiers.`,
      )
      print(`   ${counted(run.force_changes, 'forced classification')} found, each between two known times.`)
    },
    reported: ({ decisions, summary }: Report, { revisions, findings }: ChainVerification) => {
      heading('Report on forced labels: one decision has a note with its author and reason.')
      print(
        textTable(
          decisions.map((decision) => ({
            file: `${decision.file_hash?.slice(0, 8)}…`,
            forced_to: decision.forced_to,
            not_before: decision.not_before?.slice(11, 23) ?? null,
            not_after: decision.not_after.slice(11, 23),
            identifiers: decision.identifiers,
            explanation: decision.explanation,
            author: decision.notes[0]?.author ?? null,
          })),
          '   ',
        ),
      )
      print(
        `   ${count(summary.period.unexplained)} decisions have no explanation; ${count(summary.period.against_machine_confidence_090)} identifiers were forced against a confidence of 0.9 or more.`,
      )
      print(
        `   All ${count(revisions)} revisions were verified: ${findings.length === 0 ? 'the history is as it was sealed.' : `${findings.length} differ from their seals.`}`,
      )
      print('   The full report as a page: report forced --format html --output report.html')
    },
    tablesCounted: (rows: readonly Row[]) => {
      heading('The tables and their contents:')
      print(textTable(rows, '   '))
    },
    queried: (question: string, sql: string, rows: readonly Row[]) => {
      if (questions++ === 0) heading('Query it with SQL:')
      print(`\n   ${question}\n`)
      print(indent(sql, '     '))
      print('')
      print(textTable(rows, '   '))
    },
  }
}

function runTable(run: SyncRunRow): string {
  const { requests, claimed: identifiers, done, errored, pending, changed, unchanged, status } = run
  return textTable([{ requests, identifiers, done, errored, pending, changed, unchanged, status }], '   ')
}

function indent(text: string, by: string): string {
  return text.replaceAll(/^/gm, by)
}
