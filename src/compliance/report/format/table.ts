import { count, counted, textTable } from '../../../platform/terminal/text.ts'
import { printable } from '../../../platform/text.ts'
import { timeText } from '../../../platform/time.ts'
import { beginsUnobserved } from '../coverage-gaps.ts'
import { currentNotes } from '../decisions.ts'
import { listedInPeriod } from '../period.ts'
import type { Decision, ForceEvent, Report } from '../schema.ts'
import { periodText } from '../time-zone.ts'

/** Lines of a list that the table shows; the other formats have all. */
const SHOWN = 50

/** A report as text for a terminal: its coverage, figures, decisions and events. */
export function tableText(report: Report): string {
  const { head, summary } = report
  const { period, as_of } = head
  const { decisions, events } = listedInPeriod(report)
  return [
    `${head.title}, ${head.media}, ${periodText(period)}`,
    `As of ${timeText(as_of.finished_at, 'none')}, chain position ${count(as_of.chain_position)}, head ${as_of.chain_head}`,
    '',
    ...coverageLines(head),
    '',
    `Forced now: ${count(summary.now.forced)} of ${counted(summary.now.with_result, 'identifier')} with a result${share(summary.now.forced_share)}.`,
    ...periodLines(report),
    '',
    ...listLines('Decisions, one for each file, label and time:', decisions, decisionColumns),
    ...listLines('Events, one for each identifier that changed:', events, eventColumns),
    'A forced label counts in place of the machine’s label. The API returns neither its author nor its time.',
    'Each change happened between "not before" and "not after". The JSON and HTML formats explain the rest.',
    report.verified === null
      ? 'The history was not verified before (--verify).'
      : `Verified at ${timeText(report.verified.at)}: the history up to this chain position is as it was sealed.`,
    `Data digest ${report.data_digest}`,
  ].join('\n')
}

function coverageLines({ coverage, period }: Report['head']): string[] {
  const { tracked, finished, pending, missing, quarantined, retired } = coverage
  const { observed_since, confirmed_since, reanalyzing } = coverage
  const reasons = coverage.retired_reasons.map(
    ({ reason, identifiers }) =>
      `${count(identifiers)} ${reason === null ? 'for other reasons' : printable(reason)}`,
  )
  const lines = [
    coverage.is_complete
      ? 'Complete. The report has every change before the end of the period. Exceptions are retired identifiers, and changes that\nwere undone between two requests.'
      : 'NOT COMPLETE. The report may lack changes before the end of the period:',
    ...coverage.gaps.map(({ statement }) => `- ${statement}`),
    `${count(tracked)} tracked: ${count(finished)} finished, ${count(pending)} pending, ${count(missing)} missing, ${count(quarantined)} quarantined, ${count(retired)} retired${reasons.length > 0 ? ` (${reasons.join('; ')})` : ''}.`,
  ]
  if (beginsUnobserved(coverage, period))
    lines.push(
      `The first response was received at ${seconds(observed_since)}. Changes before then were not observed.`,
    )
  if (confirmed_since) lines.push(`Oldest confirmation: ${seconds(confirmed_since)}.`)
  if (reanalyzing > 0) {
    const text = 'being analyzed again. Changes of their forced labels are observed when the analysis ends.'
    lines.push(`${counted(reanalyzing, 'identifier')} ${text}`)
  }
  return lines
}

function periodLines({ summary: { period } }: Report): string[] {
  if (period.events === 0)
    return [
      'No forced label changed in the period.',
      `Already forced in the first finished record: ${counted(period.already_forced, 'identifier')}.`,
    ]
  return [
    `In the period: ${counted(period.decisions, 'decision')} (${count(period.decisions_certainly)} certainly, ${count(period.decisions_possibly)} possibly), and ${counted(period.events, 'event')} (${count(period.events_certainly)} certainly, ${count(period.events_possibly)} possibly) on ${counted(period.identifiers, 'identifier')}.`,
    `Already forced in the first finished record: ${counted(period.already_forced, 'identifier')}.`,
    `Forced to another label than the machine's: ${counted(period.against_machine, 'event')}, ${count(period.against_machine_confidence_090)} of them at a machine confidence of 0.9 or more.`,
    `Decisions explained: ${count(period.explained)}, explained late: ${count(period.explained_late)}, unexplained: ${count(period.unexplained)}.`,
    '',
    textTable(
      period.machine_to_forced.map(({ machine, forced_to, events }) => ({
        machine: machine === null ? '(none)' : short(machine),
        'forced to': forced_to === null ? '(not forced)' : short(forced_to),
        events,
      })),
    ),
  ]
}

/** A list with its title; no line for an empty one. */
function listLines<T>(
  title: string,
  list: readonly T[],
  columnsOf: (element: T) => Parameters<typeof textTable>[0][number],
): string[] {
  if (list.length === 0) return []
  const lines = [title, textTable(list.slice(0, SHOWN).map(columnsOf))]
  const more = list.length - SHOWN
  if (more > 0) lines.push(`... and ${count(more)} more. The other formats (--format) list all of them.`)
  return [...lines, '']
}

function decisionColumns(decision: Decision) {
  return {
    decision: decision.decision,
    file: short(decision.file_hash),
    from: decision.forced_from_differs ? '(differs)' : short(decision.forced_from),
    to: short(decision.forced_to),
    'not before': seconds(decision.not_before),
    'not after': timeText(decision.not_after, 'up'),
    'in period': decision.in_period,
    identifiers: decision.identifiers,
    explanation: decision.explanation,
    author: short(currentNotes(decision.notes)[0]?.author ?? null),
  }
}

function eventColumns(event: ForceEvent) {
  return {
    decision: event.decision,
    identifier: short(event.identifier),
    event: event.event,
    machine: short(event.machine_classification_after),
    confidence: event.machine_confidence_after,
    from: short(event.forced_from),
    to: short(event.forced_to),
    'not before': seconds(event.not_before),
    'not after': timeText(event.not_after, 'up'),
    'in period': event.in_period,
  }
}

function share(value: number | null): string {
  return value === null ? '' : ` (${(value * 100).toFixed(1)} %)`
}

function seconds(time: string | null): string {
  return time === null ? '-' : timeText(time)
}

function short(text: string | null): string {
  if (text === null) return '-'
  return text.length > 16 ? `${text.slice(0, 15)}…` : text
}
