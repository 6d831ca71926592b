import { counted, count } from '../../platform/terminal/text.ts'
import type { ChainVerification } from '../../compliance/verify/verify-chain.ts'
import type { Report } from '../../compliance/report/schema.ts'
import { textTable } from '../../platform/terminal/text.ts'
import type { MigrationStep } from '../../platform/postgres/migrate.ts'
import type { SyncRunRow } from '../../platform/postgres/tables/runs.ts'
import type { EnqueueResult } from '../../pipeline/queue/enqueue/enqueue.ts'

type Row = Readonly<Record<string, string | number | null>>

/** Tells the demo as it goes, to somebody who has never seen the product. */
export interface DemoOutput {
  started(steps: readonly MigrationStep[], apiUrl: string): void
  enqueued(result: EnqueueResult): void
  firstRun(run: SyncRunRow): void
  meanwhile(files: number, identifiers: number, woken: number): void
  secondRun(run: SyncRunRow): void
  report(report: Report, chain: ChainVerification): void
  tables(rows: readonly { table: string; rows: number; holds: string }[]): void
  answer(question: string, sql: string, rows: readonly Row[]): void
}

export function createDemoOutput(print: (text: string) => void): DemoOutput {
  let step = 0
  const heading = (text: string) => print(`\n${++step}. ${text}`)
  let question = 0
  return {
    started: (steps, apiUrl) => {
      heading('Start: a throw-away PostgreSQL, a stand-in for the identifAI API, the tables.')
      print(
        `   ${counted(steps.length, 'migration')} applied to the schema identifai. The API is at ${apiUrl}.`,
      )
    },
    enqueued: ({ added }) => {
      heading('Enqueue: an application has submitted audio and hands over the identifiers.')
      print(`   ${counted(added, 'identifier')} added to the ledger, identifai.identifiers. All are pending.`)
    },
    firstRun: (run) => {
      heading('First pass: ask for all of them, 100 in a request.')
      print(runTable(run))
      print(`   ${count(run.pending)} analyses have not finished yet: they will be asked for again later.`)
    },
    meanwhile: (files, identifiers, woken) => {
      heading('Meanwhile: the analyses finish, and some verdicts are overridden.')
      print(
        `   ${counted(files, 'file')} forced to "human" by file hash. Submitted more than once, that flips`,
      )
      print(
        `   ${counted(identifiers, 'identifier')}. The API tells nobody. An application asks for a refresh of the`,
      )
      print(`   ${count(woken)} pending ones: select identifai.request_refresh('<identifier>').`)
    },
    secondRun: (run) => {
      heading(
        'Second pass: the pending ones, and every finished one again, because finished results still change.',
      )
      print(runTable(run))
      print(
        `   ${count(run.unchanged)} were the same as before: for those nothing was written but the ledger row.`,
      )
      print(
        `   ${counted(run.force_changes, 'forced classification')} noticed, each between two known times.`,
      )
    },
    report: ({ decisions, summary }, { revisions, findings }) => {
      heading('Report on what was forced: one decision has been noted with who made it and why.')
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
        `   ${count(summary.period.unexplained)} decisions wait for an explanation; ${count(summary.period.against_machine_confidence_090)} identifiers were forced against a confidence of 0.9 or more.`,
      )
      print(
        `   All ${count(revisions)} revisions were hashed anew: ${findings.length === 0 ? 'history is as it was sealed.' : `${findings.length} are not as sealed.`}`,
      )
      print('   The whole of it as a page: report forced --format html --output report.html')
    },
    tables: (rows) => {
      heading('What is where now:')
      print(textTable(rows, '   '))
    },
    answer: (text, sql, rows) => {
      if (question++ === 0) heading('Ask it in SQL:')
      print(`\n   ${text}\n`)
      print(indent(sql, '     '))
      print('')
      print(textTable(rows, '   '))
    },
  }
}

function runTable(run: SyncRunRow): string {
  const { requests, claimed, done, errored, pending, changed, unchanged, status } = run
  return textTable(
    [
      {
        requests,
        identifiers: claimed,
        done: done,
        errored: errored,
        pending,
        changed,
        unchanged,
        status,
      },
    ],
    '   ',
  )
}

function indent(text: string, by: string): string {
  return text.replaceAll(/^/gm, by)
}
