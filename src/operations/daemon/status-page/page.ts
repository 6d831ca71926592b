import { hostname } from 'node:os'
import { createTemplates, PAGE_END, pageHead } from '../../../platform/html/page.ts'
import { count, counted, durationText } from '../../../platform/terminal/text.ts'
import { withFullStop } from '../../../platform/text.ts'
import { localTime } from '../../../platform/time.ts'
import { VERSION } from '../../../platform/version.ts'
import type { Readiness } from '../readiness.ts'
import { type Problem, problemsOf, simple } from '../../status/problems.ts'
import type { Recent } from '../../status/read-recent.ts'
import type { WholeQueue } from '../../status/read-whole-queue.ts'
import { calendarOf, SHAPES } from './calendar.ts'
import { requestChart, stateBar } from './charts.ts'
import { STATUS_STYLE } from './style.ts'
import { STATUS_TEMPLATE } from './template.ts'

/** Seconds after which the page loads again: soon, while something was not read yet. */
const REFRESH_SECONDS = 60
const SOON_SECONDS = 2

/** The facts of one page. Facts that were not read yet, or cannot be read, are undefined. */
export interface Facts {
  readonly readiness: Readiness | undefined
  readonly recent: Recent | undefined
  readonly queue: { readonly value: WholeQueue; readonly at: Date } | undefined
  readonly nextNightly: Date | null
  readonly now: Date
  readonly timeZone: string
  readonly requestsPerMinute: number
  /** The page loads again by itself. */
  readonly refreshes: boolean
}

const templates = createTemplates()
templates.loadTemplate('@status', STATUS_TEMPLATE)

/** The status page: one document without a script or a remote reference. */
export function statusPage(facts: Facts): string {
  const seconds = isComplete(facts) ? REFRESH_SECONDS : SOON_SECONDS
  const refreshSeconds = facts.refreshes ? seconds : undefined
  const view = viewOf(facts, refreshSeconds)
  const head = pageHead({
    title: `${view.state.title} (identifai-sync)`,
    style: STATUS_STYLE,
    refreshSeconds,
  })
  return head + templates.render('@status', view) + PAGE_END
}

function viewOf(facts: Facts, refreshSeconds: number | undefined) {
  const { recent, queue, now, timeZone } = facts
  const local = localTime(timeZone)
  const second = (at: Date | null) => (at === null ? 'not known' : local(at))
  const time = (at: Date | null) => (at === null ? 'not known' : local(at).slice(0, 16))
  const problems = allProblems(facts)
  return {
    state: stateOf(facts, problems.length, time),
    problems,
    weeks: recent ? calendarOf(recent) : null,
    hasNightly: recent ? recent.first_nightly_day !== null : false,
    weekdays: ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'],
    shapes: SHAPES,
    outcomes: OUTCOMES,
    nextNightly: facts.nextNightly && time(facts.nextNightly),
    queue: queue ? { ...queueOf(queue.value), at: time(queue.at) } : null,
    requests: recent ? requestChart(recent.requests, facts.requestsPerMinute) : null,
    forces: recent?.forces ?? null,
    unknown:
      facts.readiness?.ready === false
        ? 'This cannot be read at the moment.'
        : `This was not read yet. ${LOG_HAS_REASON}`,
    count,
    counted,
    duration: (seconds: number) => durationText(seconds / 60),
    time,
    second,
    timeZone,
    madeAt: time(now),
    version: VERSION,
    host: hostname(),
    refreshSeconds,
  }
}

const OUTCOMES = {
  succeeded: 'succeeded',
  partial: 'partial',
  failed: 'failed',
  interrupted: 'interrupted',
  running: 'in progress',
} as const

function isComplete({ readiness, recent, queue }: Facts): boolean {
  return readiness !== undefined && recent !== undefined && queue !== undefined
}

/** The state for people, and since when. It is healthy only after everything was read. */
function stateOf(facts: Facts, problems: number, time: (at: Date | null) => string) {
  const { readiness, recent } = facts
  if (readiness && !readiness.ready) {
    const { problems: reasons, last_success_at: last } = readiness
    const lastSuccess = last ? [`The last success ended at ${time(last)}.`] : []
    const lines = [...reasons.map(sentence), ...lastSuccess]
    return { kind: 'incomplete', title: 'Not healthy', lines, command: 'identifai-sync doctor' }
  }
  const since = recent?.healthy_since
  const success = since
    ? `The runs that request everything due have succeeded since ${time(since)}.`
    : 'No run that requests everything due has succeeded yet, or since the last failure.'
  if (problems > 0)
    return { kind: 'attention', title: 'Running, but needs a person', lines: [success], command: null }
  if (!isComplete(facts)) {
    const line = `Parts of this page were not read yet. ${LOG_HAS_REASON}`
    return { kind: 'attention', title: 'Being checked', lines: [line], command: null }
  }
  return since
    ? { kind: 'complete', title: `Healthy since ${time(since)}`, lines: [], command: null }
    : { kind: 'complete', title: 'Healthy', lines: [success], command: null }
}

const LOG_HAS_REASON = 'If this does not change in a moment, the log of the daemon has the reason.'

function sentence(text: string): string {
  return withFullStop(text.charAt(0).toUpperCase() + text.slice(1))
}

function allProblems({ recent, queue }: Facts): Problem[] {
  if (!recent) return []
  const tracked = queue?.value.tracked ?? []
  const { drift } = recent
  const unexplained = queue?.value.unexplained ?? 0
  return [
    ...problemsOf({ ...recent, tracked }),
    ...(drift.length === 0
      ? []
      : [
          {
            text: `The API returned ${counted(drift.length, 'new field or value', 'new fields or values')} not in the contract:`,
            details: drift.slice(0, 3).map(({ path, kind }) => `${path} (${kind.replace('_', ' ')})`),
            remedy: { purpose: 'To check a record', command: 'identifai-sync doctor --probe' },
          },
        ]),
    ...(unexplained === 0
      ? []
      : [
          simple(`${counted(unexplained, 'decision')} on forced labels without an explanation.`, {
            purpose: 'To list them',
            command: 'identifai-sync report forced',
          }),
        ]),
  ]
}

function queueOf({ tracked, due, plan }: WholeQueue) {
  const bar = stateBar(tracked)
  return {
    total: tracked.reduce((sum, { identifiers }) => sum + identifiers, 0),
    plan,
    clearsIn: plan.identifiers === 0 ? 'none' : durationText(plan.minutes),
    refreshTakes: durationText(plan.full_refresh.minutes),
    bar,
    rows: bar.map(({ state, identifiers, share }) => ({
      state,
      identifiers,
      share,
      ...(due.find((one) => one.state === state) ?? { hour: 0, day: 0, longer: 0 }),
    })),
  }
}
