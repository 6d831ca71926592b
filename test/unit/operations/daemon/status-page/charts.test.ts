import { expect, it } from 'vitest'
import { requestChart } from '../../../../../src/operations/daemon/status-page/charts.ts'

/** Seconds before now. */
const minutesAgo = (minutes: number) => minutes * 60

it('spreads the requests of a run evenly over its duration, with none before its start or after its end', () => {
  const run = { began: minutesAgo(30), ended: minutesAgo(15), requests: 90 }
  const { columns, total } = requestChart([run], 60)
  expect(columns.map(({ value }) => value)).toEqual([0, 0, 0, 0, 0, 0, 30, 30, 30, 0, 0, 0])
  expect(total).toBe(90)
})

it('has a line at the quota for five minutes, which a column of as many requests reaches', () => {
  const run = { began: minutesAgo(10), ended: minutesAgo(5), requests: 300 }
  const { columns, limit } = requestChart([run], 60)
  expect(limit.label).toBe('300')
  expect(columns[10]).toMatchObject({ value: 300, y: limit.y, label: '10 to 5 minutes ago' })
})
