import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createMissedRunCheck } from '../../src/operations/daemon/missed-run.ts'
import { watchSlots } from '../../src/operations/daemon/slot-watch.ts'

const MINUTE = 60_000
const BEGINNING = Date.parse('2026-10-24T00:00Z')

const watchNightly = (since: Date) =>
  watchSlots({ expression: '30 2 * * *', timeZone: 'Europe/Berlin', since })

it('a night is owed when its time has come since the last one, however often that is asked', () => {
  // Each time some minutes go by; and sometimes the last night is another one, up to a day ago.
  const questions = fc.array(
    fc.record({
      minutes: fc.integer({ min: 0, max: 600 }),
      lastNightly: fc.option(fc.integer({ min: 0, max: 24 * 60 }), { freq: 2 }),
    }),
    { maxLength: 12 },
  )
  fc.assert(
    fc.property(questions, (asked) => {
      const isMissed = createMissedRunCheck(watchNightly)
      let [now, lastNightly] = [BEGINNING, BEGINNING]
      for (const { minutes, lastNightly: ago } of asked) {
        now += minutes * MINUTE
        if (ago !== null) lastNightly = now - ago * MINUTE
        const fromScratch = watchNightly(new Date(lastNightly)).hasCome(new Date(now))
        expect(isMissed(new Date(lastNightly), new Date(now))).toBe(fromScratch)
      }
    }),
  )
})
