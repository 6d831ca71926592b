import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createCronWatch } from '../../../../src/operations/daemon/cron.ts'
import { createMissedRunCheck } from '../../../../src/operations/daemon/schedule.ts'
import { sampleSize } from '../../../support/sample-size.ts'

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
      let [now, lastNightly, expected] = [START, START, false]
      for (const { minutes, lastNightly: ago } of checks) {
        now += minutes * MINUTE
        if (ago !== null) [lastNightly, expected] = [now - ago * MINUTE, false]
        // A missed run stays missed in the hour that autumn repeats, although the wall clock is before its time again.
        const watch = createCronWatch({ ...NIGHTLY_TIME, since: new Date(lastNightly) })
        expected = watch.checkDue(new Date(now)) || expected
        const last = { startedAt: new Date(lastNightly), secondsAgo: (now - lastNightly) / 1000 }
        expect(isMissed(last, new Date(now))).toBe(expected)
      }
    }),
    { numRuns: sampleSize(20), examples: [[MISSED_BEFORE_THE_REPEATED_HOUR]] },
  )
})

/** The last nightly run was at 02:29 in summer time, and the checks are at 02:34 and, 26 minutes later, at 02:00. */
const MISSED_BEFORE_THE_REPEATED_HOUR = [
  { minutes: 1474, lastNightly: 5 },
  { minutes: 26, lastNightly: null },
]
