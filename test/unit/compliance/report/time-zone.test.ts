import { expect, it } from 'vitest'
import { dayIn, periodText, zonedText } from '../../../../src/compliance/report/time-zone.ts'

const MIDNIGHT_IN_ROME = '2026-06-30T22:00:00.000000Z'
const ROME = { from: MIDNIGHT_IN_ROME, to: '2026-07-31T22:00:00.250000Z', time_zone: 'Europe/Rome' }

it('has the day of a time in a time zone, also of a year before 1000', () => {
  expect(dayIn('Europe/Rome')(MIDNIGHT_IN_ROME)).toBe('2026-07-01')
  expect(dayIn('UTC')(MIDNIGHT_IN_ROME)).toBe('2026-06-30')
  expect(dayIn('UTC')('0999-06-30T22:00:00.000000Z')).toBe('0999-06-30')
})

it('describes a period in its time zone, exactly or in minutes', () => {
  expect(periodText(ROME)).toBe(
    'from 2026-07-01 00:00:00 Europe/Rome to 2026-08-01 00:00:00.250000 Europe/Rome (not included)',
  )
  expect(periodText(ROME, 'minutes')).toBe(
    'from 2026-07-01 00:00 Europe/Rome to 2026-08-01 00:00 Europe/Rome (not included)',
  )
  expect(periodText({ ...ROME, from: null }, 'minutes')).toBe(
    'up to 2026-08-01 00:00 Europe/Rome (not included)',
  )
})

it('describes a limit in UTC, and the beginning', () => {
  const utc = { ...ROME, time_zone: 'UTC' }
  expect(zonedText(utc, 'from')).toBe('2026-06-30 22:00:00Z')
  expect(zonedText(utc, 'from', 'minutes')).toBe('2026-06-30 22:00 UTC')
  expect(zonedText({ ...utc, from: null }, 'from')).toBe('the beginning')
})
