import { IDENTIFIER_STATES } from '../../../platform/postgres/tables/queue.ts'
import { CHART_MINUTES, type Recent } from '../../status/read-recent.ts'
import type { WholeQueue } from '../../status/read-whole-queue.ts'

/** Minutes of one column. */
const STEP_MINUTES = 5

const WIDTH = 400
/** Room for the labels of the grid. */
const LEFT = 44
const TOP = 16
const PLOT_HEIGHT = 120
const BOTTOM = 24

/**
 * Columns of the requests of the last hour, the oldest first, in units of the chart. A run stores its requests as one number, so
 * they are spread evenly over its duration.
 */
export function requestChart(runs: Recent['requests'], perMinute: number) {
  const steps = CHART_MINUTES / STEP_MINUTES
  const values = Array.from({ length: steps }, (_, step) => {
    const [from, to] = [(steps - step) * STEP_MINUTES * 60, (steps - step - 1) * STEP_MINUTES * 60]
    return runs.reduce((sum, { began, ended, requests }) => {
      const seconds = Math.max(1, began - ended)
      const overlap = Math.min(from, Math.max(began, ended + 1)) - Math.max(to, ended)
      return sum + (requests * Math.max(0, overlap)) / seconds
    }, 0)
  })
  const limit = perMinute * STEP_MINUTES
  const most = Math.max(limit, ...values)
  const heightOf = (value: number) => (value / most) * PLOT_HEIGHT
  const width = (WIDTH - LEFT) / steps
  return {
    width: WIDTH,
    height: TOP + PLOT_HEIGHT + BOTTOM,
    total: Math.round(values.reduce((sum, value) => sum + value, 0)),
    share: values.reduce((sum, value) => sum + value, 0) / (perMinute * CHART_MINUTES),
    quota: perMinute * CHART_MINUTES,
    limit: { y: TOP + PLOT_HEIGHT - heightOf(limit), label: String(Math.round(limit)) },
    columns: values.map((value, step) => ({
      x: LEFT + step * width + width * 0.12,
      y: TOP + PLOT_HEIGHT - heightOf(value),
      width: width * 0.76,
      height: heightOf(value),
      value: Math.round(value),
      label: `${(steps - step) * STEP_MINUTES} to ${(steps - step - 1) * STEP_MINUTES} minutes ago`,
    })),
    left: LEFT,
    base: TOP + PLOT_HEIGHT,
  }
}

/** The states as parts of one bar of 1,000 units. A state with few identifiers stays visible. */
export function stateBar(tracked: WholeQueue['tracked']) {
  const counts = IDENTIFIER_STATES.map((state) => ({
    state,
    identifiers: tracked.find((one) => one.state === state)?.identifiers ?? 0,
  })).filter(({ identifiers }) => identifiers > 0)
  const total = counts.reduce((sum, { identifiers }) => sum + identifiers, 0)
  const weights = counts.map(({ identifiers }) => Math.max(identifiers / total, 0.008))
  const sum = weights.reduce((all, weight) => all + weight, 0)
  let x = 0
  return counts.map((one, position) => {
    const width = ((weights[position] as number) / sum) * 1000
    const part = { ...one, x, width: Math.max(1, width - 2), share: one.identifiers / total }
    x += width
    return part
  })
}
