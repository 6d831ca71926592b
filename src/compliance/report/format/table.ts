import { count, counted, textTable } from '../../../platform/terminal/text.ts'
import { printable } from '../../../platform/text.ts'
import { beginsUnobserved } from '../coverage-gaps.ts'
import { listedInPeriod } from '../period.ts'
import type { Decision, ForceEvent, Report } from '../schema.ts'

/** Lines of a list that the table shows; the other formats have all. */
const SHOWN = 50

/** A report as text for a terminal: its coverage, figures, decisions and events. */
export function tableText(report: Report): string {
  const { head, summary } = report
  const { period, as_of } = head
  const { decisions, events } = listedInPeriod(report)
  return [
    `${head.title}, ${head.media}, ${period.from === null ? 'up to' : `from ${period.from} to`} ${period.to} (not included)`,
    `As of ${as_of.finished_at}, chain position ${count(as_of.chain_position)}, head ${as_of.chain_head}`,
    '',
    ...coverageLines(head),
    '',
    `Forced now: ${count(summary.now.forced)} of ${counted(summary.now.with_result, 'identifier')} with a result${share(summary.now.forced_share)}.`,
    ...periodLines(report),
    '',
    ...listLines('Decisions (a file and a label, at one time):', decisions, decisionColumns),
    ...listLines('Events (one identifier each):', events, eventColumns),
    'Forced means a label set in place of the machine’s, by whatever means. The API returns neither by whom nor when.',
    'Each change happened between "not before" and "not after". The JSON and HTML formats explain the rest.',
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
      ? 'Complete: every change before the end of the period, of an identifier that is not retired, would have been observed.'
      : 'NOT COMPLETE:',
    ...coverage.gaps.map(({ statement }) => `- ${statement}`),
    `${count(tracked)} tracked: ${count(finished)} finished, ${count(pending)} pending, ${count(missing)} missing, ${count(quarantined)} quarantined, ${count(retired)} retired${reasons.length > 0 ? ` (${reasons.join('; ')})` : ''}.`,
  ]
  if (beginsUnobserved(coverage, period))
    lines.push(`The first response is of ${observed_since}. What was forced before then is already forced.`)
  if (confirmed_since) lines.push(`Oldest confirmation: ${seconds(confirmed_since)}.`)
  if (reanalyzing > 0) {
    const text = 'being analyzed again: a change of their force is observed when that ends.'
    lines.push(`${counted(reanalyzing, 'identifier')} ${text}`)
  }
  return lines
}

function periodLines({ summary: { period } }: Report): string[] {
  if (period.events === 0)
    return [
      `No change of force was observed in the period; ${count(period.already_forced)} already forced in the first finished record.`,
    ]
  return [
    `In the period: ${counted(period.decisions, 'decision')} (${count(period.decisions_certainly)} certainly, ${count(period.decisions_possibly)} possibly), ${counted(period.events, 'event')} (${count(period.events_certainly)} certainly, ${count(period.events_possibly)} possibly) on ${counted(period.identifiers, 'identifier')}; ${count(period.already_forced)} already forced in the first finished record.`,
    `${counted(period.against_machine, 'event')} against the machine, ${count(period.against_machine_confidence_090)} of them against a confidence of 0.9 or more.`,
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
  if (more > 0) lines.push(`... and ${count(more)} more: the other formats (--format) list all of them.`)
  return [...lines, '']
}

function decisionColumns(decision: Decision) {
  return {
    '#': decision.decision,
    file: short(decision.file_hash),
    from: decision.forced_from_differs ? '(differs)' : short(decision.forced_from),
    to: short(decision.forced_to),
    'not before': seconds(decision.not_before),
    'not after': seconds(decision.not_after),
    'in period': decision.in_period,
    identifiers: decision.identifiers,
    explanation: decision.explanation,
    author: short(decision.notes[0]?.author ?? null),
  }
}

function eventColumns(event: ForceEvent) {
  return {
    '#': event.decision,
    identifier: short(event.identifier),
    event: event.event,
    machine: short(event.machine_classification_after),
    confidence: event.machine_confidence_after,
    from: short(event.forced_from),
    to: short(event.forced_to),
    'not before': seconds(event.not_before),
    'not after': seconds(event.not_after),
    'in period': event.in_period,
  }
}

function share(value: number | null): string {
  return value === null ? '' : ` (${(value * 100).toFixed(1)} %)`
}

function seconds(time: string | null): string {
  return time === null ? '-' : `${time.slice(0, 19).replace('T', ' ')}Z`
}

function short(text: string | null): string {
  if (text === null) return '-'
  return text.length > 16 ? `${text.slice(0, 15)}…` : text
}
