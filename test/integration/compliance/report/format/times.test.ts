import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { htmlText } from '../../../../../src/compliance/report/format/html/page.ts'
import { tableText } from '../../../../../src/compliance/report/format/table.ts'
import type { ForceEvent, Report } from '../../../../../src/compliance/report/schema.ts'
import { hostileReport } from '../../../../support/hostile-report.ts'
import { createTestDatabase, type TestDatabase } from '../../../../support/test-database.ts'

describe('the times of a report for people', () => {
  let database: TestDatabase
  let report: Report
  beforeAll(async () => {
    database = await createTestDatabase()
    report = await hostileReport(database.db)
  })
  afterAll(() => database[Symbol.asyncDispose]())

  const formats: readonly [string, (made: Report) => string][] = [
    ['table', tableText],
    [
      'HTML',
      (made) =>
        htmlText(made)
          .join('')
          .replaceAll(/<[^>]*>/g, ' '),
    ],
  ]

  it.each(formats)('are to the second in %s, and the interval still contains the change', (_, textOf) => {
    const text = textOf(report)
    const events = report.events.slice(0, 5)
    expect(events.map(({ not_after }) => not_after.slice(11))).toEqual(Array(5).fill('03:00:00.000123Z'))
    // Each interval is shown twice, for a decision and an event.
    const shown = (event: ForceEvent, end: string) => {
      const [before, after] = [String(event.not_before).slice(0, 10), event.not_after.slice(0, 10)]
      return (
        text.match(new RegExp(`${before} 03:00:00Z\\s+(not after\\s+)?${after} ${end}`, 'g'))?.length ?? 0
      )
    }
    expect(events.map((event) => shown(event, '03:00:01Z'))).toEqual(Array(5).fill(2))
    expect(events.map((event) => shown(event, '03:00:00Z'))).toEqual(Array(5).fill(0))
  })

  it.each(formats)('name the as-of in %s by a time that selects the same run', (_, textOf) => {
    const { finished_at } = report.head.as_of
    const shown = /(?:As of|End of the run) +(\S+ \S+Z)/.exec(textOf(report))?.[1] ?? ''
    expect(shown.replace(' ', 'T')).toBe(finished_at)
  })
})
