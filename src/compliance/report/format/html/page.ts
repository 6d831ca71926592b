import { createTemplates, PAGE_END, pageHead } from '../../../../platform/html/page.ts'
import { count } from '../../../../platform/terminal/text.ts'
import { timeText } from '../../../../platform/time.ts'
import { beginsUnobserved } from '../../coverage-gaps.ts'
import { currentNotes } from '../../decisions.ts'
import { listedInPeriod } from '../../period.ts'
import { personalValuesOf } from '../../personal-values.ts'
import type { ForceEvent, InPeriod, Report } from '../../schema.ts'
import { periodText, zonedText } from '../../time-zone.ts'
import { countBy } from '../../summary.ts'
import { chartsOf } from './charts.ts'
import { PAGE_STYLE } from './page-style.ts'
import { CHART_TEMPLATE, DECISIONS_TEMPLATE, EVENTS_TEMPLATE, PAGE_TEMPLATE } from './page-template.ts'

/**
 * A report as one page that needs nothing else: it has no script and no remote reference, and a policy that would refuse
 * both. The templates escape every text of a report, because all of it may be hostile.
 */
export function htmlText(report: Report): string[] {
  const templates = createTemplates()
  templates.loadTemplate('@chart', CHART_TEMPLATE)
  templates.loadTemplate('@decisions', DECISIONS_TEMPLATE)
  templates.loadTemplate('@events', EVENTS_TEMPLATE)
  templates.loadTemplate('@page', PAGE_TEMPLATE)
  const { head } = report
  const title = `${head.title}, up to ${zonedText(head.period, 'to').slice(0, 10)}`
  return [pageHead({ title, style: PAGE_STYLE }), templates.render('@page', viewOf(report)), PAGE_END]
}

function viewOf(report: Report) {
  const listed = listedInPeriod(report)
  const valuesOf = personalValuesOf(report)
  return {
    report,
    listed,
    coverage: report.head.coverage,
    beginsUnobserved: beginsUnobserved(report.head.coverage, report.head.period),
    now: report.summary.now,
    period: report.summary.period,
    valuesOf,
    periodText,
    currentNotes,
    bySource: countBy(listed.events, (event) => {
      const values = valuesOf(event)
      return { source: values ? values.source : 'redacted' }
    }),
    charts: chartsOf(report.summary.period, listed.events, report.head.period.time_zone),
    count,
    time,
    minute,
    verdict,
    isLink,
    inPeriod: IN_PERIOD_TEXT,
  }
}

const IN_PERIOD_TEXT: { readonly [Value in InPeriod]: string } = {
  certainly: 'certainly in the period',
  possibly: 'possibly in the period',
  no: 'outside the period',
}

/** A time to the second, which is enough for a reader; the JSON format has all six digits. */
function time(text: string | null, rounding?: 'up' | 'none'): string {
  return text === null ? 'not known' : timeText(text, rounding)
}

/** A time for a heading. The facts below have it exactly. */
function minute(text: string): string {
  return `${text.slice(0, 16).replace('T', ' ')} UTC`
}

function verdict(event: ForceEvent, when: 'before' | 'after'): string {
  const label = event[`machine_classification_${when}`]
  const confidence = event[`machine_confidence_${when}`]
  const heuristic = event[`machine_heuristic_${when}`]
  if (label === null) return 'none'
  return `${label}${confidence === null ? '' : `, confidence ${confidence}`}${heuristic === null ? '' : ` (${heuristic})`}`
}

/** Returns whether a URL may become a link; others, such as javascript:, are shown as text. */
function isLink(url: string | null | undefined): boolean {
  return /^https?:\/\//i.test(url ?? '')
}
