import { expect, it } from 'vitest'
import { chartsOf, confidenceSteps } from '../../../../../../src/compliance/report/format/html/charts.ts'
import type { ForceEvent, PeriodSummary } from '../../../../../../src/compliance/report/schema.ts'

it('counts events against the machine by its confidence, in steps that include their lower end', () => {
  const against = [0, 0.05, 0.1, 0.3, 0.69, 0.7, 0.99, 1, 1.5, -1, null]
  const events = [
    ...against.map((machine_confidence_after) => ({
      forced_to: 'human',
      machine_classification_after: 'artificial',
      machine_confidence_after,
    })),
    { forced_to: 'human', machine_classification_after: 'human', machine_confidence_after: 0.5 },
  ] as ForceEvent[]
  const steps = confidenceSteps(events)
  expect(steps.map(({ events: count }) => count)).toEqual([3, 1, 0, 1, 0, 0, 1, 1, 0, 3])
  expect(steps.map(({ from, to }) => `${from}-${to}`)).toEqual(
    Array.from({ length: 10 }, (_, step) => `${step / 10}-${(step + 1) / 10}`),
  )
})

type Bar = ReturnType<typeof chartsOf>[number]['bars'][number]

it.each([1, 2, 5, 6, 10, 11, 53])(
  '%s columns have a label for the last one, and none that overlap',
  (weeks) => {
    const by_week = Array.from({ length: weeks }, (_, n) => ({ week: `week ${n}`, events: 1, decisions: 1 }))
    const [chart, , confidence] = chartsOf(
      { by_week, machine_to_forced: [] } as unknown as PeriodSummary,
      [],
      'UTC',
    )
    const labeled = (bars: readonly Bar[] = []) => bars.filter(({ label }) => label !== null)
    expect(labeled(confidence?.bars).map(({ label }) => label)).toEqual([
      '0.0–0.1',
      '0.3–0.4',
      '0.6–0.7',
      '0.9–1.0',
    ])
    const labels = labeled(chart?.bars)
    expect(labels.at(-1)?.label).toBe(`week ${weeks - 1}`)
    expect(labels.length).toBeLessThanOrEqual(4)
    // Below its column, if that is not at the edge.
    const [first] = labels
    if (first) expect(first.labelAt).toBeCloseTo(Math.min(first.x + first.width / 2, 400 - 32))
    const places = labels.map(({ labelAt }) => labelAt)
    expect(places.every((place) => place >= 32 && place <= 400 - 32)).toBe(true)
    expect(places.slice(1).every((place, n) => place - (places[n] as number) > 60)).toBe(true)
  },
)
