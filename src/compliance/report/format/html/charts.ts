import { count } from '../../../../platform/terminal/text.ts'
import type { ForceEvent, PeriodSummary } from '../../schema.ts'
import { isAgainstMachine } from '../../summary.ts'

interface Row {
  readonly label: string
  readonly value: number
}

const WIDTH = 400
/** Room for the labels of the grid. */
const LEFT = 44
const TOP = 18
const PLOT_HEIGHT = 150
/** Room for the labels below. */
const BOTTOM = 26

/** Labels that fit side by side below the columns, and half the width of the widest. */
const MOST_LABELS = 4
const LABEL_HALF = 32

/** The charts of a report, from the events in its period. They are in units of their own, which the page scales. */
export function chartsOf(period: PeriodSummary, events: readonly ForceEvent[], timeZone: string) {
  const weeks = period.by_week.map(({ week, events: value }) => ({ label: week, value }))
  const matrix = period.machine_to_forced.map(({ machine, forced_to, events: value }) => ({
    label: `${machine ?? 'no verdict'} → ${forced_to ?? 'not forced'}`,
    value,
  }))
  const confidence = confidenceSteps(events).map(({ from, to, events: value }) => ({
    label: `${from.toFixed(1)}–${to.toFixed(1)}`,
    value,
  }))
  const forcedOtherwise = 'Machine confidence where another label was forced'
  return [
    {
      id: 'weeks',
      title: 'Events by week',
      unit: `Week from Monday (${timeZone})`,
      ...columnChart(weeks, 'in the week of'),
    },
    { id: 'matrix', title: 'Machine against forced label', unit: 'Machine → forced to', ...barChart(matrix) },
    {
      id: 'confidence',
      title: forcedOtherwise,
      unit: 'Confidence',
      ...columnChart(confidence, 'at a confidence of'),
    },
  ]
}

/** Counts events against the machine by its confidence, in steps of a tenth; the last includes 1. */
export function confidenceSteps(events: readonly ForceEvent[]) {
  const confidences = events.filter(isAgainstMachine).map((event) => event.machine_confidence_after)
  const steps = Map.groupBy(confidences, (confidence) => confidence !== null && stepOf(confidence))
  return Array.from({ length: 10 }, (_, step) => ({
    from: step / 10,
    to: (step + 1) / 10,
    events: steps.get(step)?.length ?? 0,
  }))
}

/** The API documents no bound of a confidence: one below 0 counts in the first step, one above 1 in the last. */
function stepOf(confidence: number): number {
  return Math.min(Math.max(Math.floor(confidence * 10 + 1e-9), 0), 9)
}

/** Upright columns, from left to right. The last one always has its label, and others have one where there is room. */
function columnChart(rows: readonly Row[], where: string) {
  const most = Math.max(1, ...rows.map(({ value }) => value))
  const step = (WIDTH - LEFT) / Math.max(1, rows.length)
  const labelEvery = Math.ceil(rows.length / MOST_LABELS)
  const columnWidth = Math.min(step * 0.76, 60)
  const heightOf = (value: number) => (value / most) * PLOT_HEIGHT
  return {
    description: describe(rows, where),
    width: WIDTH,
    height: TOP + PLOT_HEIGHT + BOTTOM,
    bars: rows.map(({ label, value }, position) => ({
      x: LEFT + position * step + step * 0.12,
      y: TOP + PLOT_HEIGHT - heightOf(value),
      width: columnWidth,
      height: heightOf(value),
      value,
      label: (rows.length - 1 - position) % labelEvery === 0 ? label : null,
      // The label of the last column must not end outside of the chart.
      labelAt: Math.min(LEFT + position * step + step * 0.12 + columnWidth / 2, WIDTH - LABEL_HALF),
    })),
    lines: [...new Set([0, Math.round(most / 2), most])].map((value) => ({
      at: TOP + PLOT_HEIGHT - heightOf(value),
      label: count(value),
    })),
    rows,
  }
}

const ROW_HEIGHT = 30
/** Room for the labels before the bars, and for the figures after them. */
const LABEL_WIDTH = 160
const VALUE_WIDTH = 56

/** Horizontal bars, from top to bottom, each with its label before it. */
function barChart(rows: readonly Row[]) {
  const most = Math.max(1, ...rows.map(({ value }) => value))
  return {
    description: describe(rows, 'for'),
    width: WIDTH,
    height: Math.max(1, rows.length) * ROW_HEIGHT + 8,
    bars: rows.map(({ label, value }, position) => ({
      x: LABEL_WIDTH,
      y: position * ROW_HEIGHT + 6,
      width: (value / most) * (WIDTH - LABEL_WIDTH - VALUE_WIDTH),
      height: ROW_HEIGHT - 10,
      value,
      label,
      labelAt: LABEL_WIDTH - 8,
    })),
    lines: [],
    rows,
  }
}

function describe(rows: readonly Row[], where: string): string {
  const total = rows.reduce((sum, { value }) => sum + value, 0)
  const highest = rows.toSorted((one, other) => other.value - one.value)[0]
  if (!highest || total === 0) return 'No events.'
  return `${count(total)} in total. The highest number is ${count(highest.value)}, ${where} ${highest.label}.`
}
