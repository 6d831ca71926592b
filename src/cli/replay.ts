import { Command } from '@commander-js/extra-typings'
import type { SyncRunRow } from '../platform/postgres/tables/runs.ts'
import type { Survey } from '../pipeline/replay/survey.ts'
import { print, printJson, printSuccess } from '../platform/terminal/output.ts'
import { count, counted, textTable } from '../platform/terminal/text.ts'
import { openApp } from './open-app.ts'
import { parseTime } from './parse.ts'

export function replayCommand() {
  return new Command('replay')
    .description(
      'normalize the stored payloads again, after an upgrade that reads more fields; sends no request',
    )
    .option('--since <time>', 'only contents that were first received at this time or later', parseTime)
    .option('--dry-run', 'print the changes, and write nothing')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Prints the changes, with samples, before it writes. Rows that differ are replaced. History does not change, because
nothing new was observed. Quarantined records that fit the current contract are loaded, in a run with trigger replay.
Exit code 3 when a payload no longer fits the current contract, or when a quarantined record that fits could not be
loaded. Their rows do not change. Quarantined records that do not fit stay in quarantine.

Examples:
  $ identifai-sync replay --dry-run
  $ identifai-sync replay --since 2026-07-01`,
    )
    .action(async (options) => {
      const { EXIT_CODE } = await import('../platform/errors.ts')
      const { listenForInterrupt } = await import('../platform/interrupt.ts')
      const { applyReplay, surveyReplay } = await import('../pipeline/replay/replay.ts')
      using interrupt = listenForInterrupt()
      await using app = await openApp()
      const { signal } = interrupt
      const replay = { since: options.since ?? null, signal }
      const survey = await surveyReplay(app, replay)
      const printed = options.dryRun ? print : printSuccess
      if (!options.json) printed(describeSurvey(survey))
      const hasWork = survey.changed > 0 || survey.quarantined_fitting > 0
      const applied =
        hasWork && !options.dryRun && !signal.aborted ? await applyReplay(app, replay) : undefined
      if (options.json) printJson({ ...survey, written: applied ?? null })
      else if (applied) {
        printed(
          `\nWritten: the rows of ${counted(applied.rewritten, 'classification')}, and ${counted(finishedOf(applied.run), 'record')} out of quarantine.`,
        )
      } else if (hasWork) printed('\nNothing was written.')
      if (interrupt.exitCode !== undefined) process.exitCode = interrupt.exitCode
      else if (survey.rejected > 0 || applied?.run?.status === 'partial') process.exitCode = EXIT_CODE.partial
    })
}

function finishedOf(run: SyncRunRow | null): number {
  return run === null ? 0 : run.claimed - run.released - run.quarantined
}

function describeSurvey(survey: Survey): string {
  const lines = [
    `${counted(survey.examined, 'classification')} normalized: ${count(survey.unchanged)} unchanged, ${count(survey.changed)} changed.`,
  ]
  const samples = survey.samples.map(({ identifier, column, row, before, after }) => ({
    identifier: short(identifier),
    column,
    row,
    before: short(before),
    after: short(after),
  }))
  if (survey.columns.length > 0) lines.push('', textTable(survey.columns))
  if (samples.length > 0) lines.push('', 'For example:', textTable(samples))
  const remark = (number: number, noun: string, text: string) => {
    if (number > 0) lines.push('', `${counted(number, noun)} ${text}`)
  }
  const { quarantined_fitting: fitting, rejected } = survey
  remark(
    survey.quarantined,
    'identifier',
    `in quarantine: ${count(fitting)} ${fit(fitting)} the current contract.`,
  )
  remark(rejected, 'payload', `no longer ${fit(rejected)} the contract, so the rows stay as they are.`)
  remark(survey.without_payload, 'payload', 'pruned, so the rows stay as they are.')
  return lines.join('\n')
}

function fit(number: number): string {
  return number === 1 ? 'fits' : 'fit'
}

/** Cuts long values, which would break the table; --json has them complete. */
function short(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > 30 ? `${text.slice(0, 29)}…` : text
}
