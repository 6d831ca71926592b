import type { Finding } from '../chain/findings.ts'
import { dataDigest } from './data-digest.ts'
import { explanationOf } from './explain-decisions.ts'
import { inPeriod } from './in-period.ts'
import { forceOriginOf } from './make-report.ts'
import type { Decision, Report } from './report.ts'
import { summarizePeriod } from './summarize-period.ts'

/**
 * What a report shows of itself alone: its digest, and that what it counts and concludes follows from what it lists. It
 * cannot show that the lists are true: for that there are the bundle and the database.
 */
export function verifyReport(report: Report): Finding[] {
  const { generated_at: _, generated_by: __, data_digest, ...data } = report
  return [
    ...(dataDigest(data) === data_digest
      ? []
      : [finding('data_digest', 'is not that of the data: it has been altered')]),
    ...eventFindings(report),
    ...report.decisions.flatMap((decision) => decisionFindings(decision, report)),
    ...summaryFindings(report),
  ]
}

function eventFindings({ events, head, decisions }: Report): Finding[] {
  return events.flatMap((event) => {
    const what = `event at revision ${event.revision_no} of classification ${event.classification_id}`
    const decision = decisions[event.decision - 1]
    return [
      ...(inPeriod(event, head.period) === event.in_period
        ? []
        : [finding(what, 'does not lie in the period as it says')]),
      ...(forceOriginOf(event) === event.force_origin
        ? []
        : [finding(what, 'says another force_origin than follows')]),
      ...(decision && belongs(event, decision) ? [] : [finding(what, 'does not belong to its decision')]),
    ]
  })
}

/** A decision has the file and the label of its events, and lies in the interval of each. */
function belongs(event: Report['events'][number], decision: Decision): boolean {
  return (
    event.file_hash === decision.file_hash &&
    event.forced_to === decision.forced_to &&
    (event.not_before ?? '') <= (decision.not_before ?? '') &&
    decision.not_after <= event.not_after
  )
}

function decisionFindings(decision: Decision, { head }: Report): Finding[] {
  const what = `decision ${decision.decision}`
  const [first] = decision.notes
  return [
    ...(inPeriod(decision, head.period) === decision.in_period
      ? []
      : [finding(what, 'does not lie in the period as it says')]),
    ...(explanationOf(decision, first) === decision.explanation &&
    decision.explained_by === (first?.note_id ?? null)
      ? []
      : [finding(what, 'is not explained as it says')]),
  ]
}

function summaryFindings({ events, decisions, summary }: Report): Finding[] {
  const { period } = summary
  const expected = summarizePeriod(events, decisions, period.found_forced)
  return Object.entries(expected)
    .filter(([key, value]) => typeof value === 'number' && value !== period[key as keyof typeof period])
    .map(([key]) => finding(`summary.period.${key}`, 'is not what the lists amount to'))
}

function finding(what: string, problem: string): Finding {
  return { chain_position: null, what, problem }
}
