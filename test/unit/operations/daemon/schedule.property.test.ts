import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createCronWatch } from '../../../../src/operations/daemon/cron.ts'
import { createMissedRunCheck } from '../../../../src/operations/daemon/schedule.ts'

const MINUTE = 60_000
const START = Date.parse('2026-10-24T00:00Z')

const NIGHTLY_TIME = { expression: '30 2 * * *', timeZone: 'Europe/Berlin' }

it('a nightly run is missed when its time has come since the last one, however often that is checked', () => {
  // Before each check some minutes pass, and sometimes the last nightly run is another one, up to a day ago.
  const histories = fc.array(
    fc.record({
      minutes: fc.integer({ min: 0, max: 600 }),
      lastNightly: fc.option(fc.integer({ min: 0, max: 24 * 60 }), { freq: 2 }),
    }),
    { maxLength: 12 },
  )
  fc.assert(
    fc.property(histories, (checks) => {
      const isMissed = createMissedRunCheck(NIGHTLY_TIME)
      let [now, lastNightly] = [START, START]
      for (const { minutes, lastNightly: ago } of checks) {
        now += minutes * MINUTE
        if (ago !== null) lastNightly = now - ago * MINUTE
        const watch = createCronWatch({ ...NIGHTLY_TIME, since: new Date(lastNightly) })
        expect(isMissed(new Date(lastNightly), new Date(now))).toBe(watch.checkDue(new Date(now)))
      }
    }),
  )
})
