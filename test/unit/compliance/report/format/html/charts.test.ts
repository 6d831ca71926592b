import { expect, it } from 'vitest'
import { confidenceSteps } from '../../../../../../src/compliance/report/format/html/charts.ts'
import type { ForceEvent } from '../../../../../../src/compliance/report/schema.ts'

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
