import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  createMissedRunCheck,
  type Schedule,
  type ScheduledTrigger,
  startSchedule,
} from '../../../../src/operations/daemon/schedule.ts'
import { createLogger } from '../../../../src/platform/logger.ts'

const HOUR = 60 * 60_000
const DAY = 24 * HOUR

/** Three nights, from just before the first until just after the last. */
const HOURS = 50

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** Starts a schedule whose runs take a given time, and records what it starts and logs. */
function observe(options: {
  from: string
  schedule?: string
  timeZone?: string
  fresh?: string
  nightlySince?: string
  /** Replaces the record of the last nightly run. */
  readLastNightly?: () => Date
  nightlyTakes?: number
  freshTakes?: number
  verify?: string
  verifiedSince?: string
  verificationTakes?: number
}) {
  vi.setSystemTime(new Date(options.from))
  const starts = { nightly: [] as string[], fresh: [] as string[], verification: [] as string[] }
  const logged: string[] = []
  let lastNightly = new Date(options.nightlySince ?? options.from)
  let lastVerification = new Date(options.verifiedSince ?? options.from)
  const ago = (startedAt: Date) => ({ startedAt, secondsAgo: (Date.now() - startedAt.getTime()) / 1000 })
  const durations = { nightly: options.nightlyTakes ?? 1000, fresh: options.freshTakes ?? 1000 }
  const run = async (trigger: ScheduledTrigger) => {
    starts[trigger].push(new Date().toISOString().slice(0, 16))
    if (trigger === 'nightly') lastNightly = new Date()
    await new Promise((resolve) => setTimeout(resolve, durations[trigger]))
  }
  const schedule = startSchedule({
    config: {
      schedule: options.schedule ?? '0 2 * * *',
      freshSchedule: options.fresh ?? '* * * * *',
      verifySchedule: options.verify ?? 'off',
      timezone: options.timeZone ?? 'UTC',
    },
    logger: createLogger({
      level: 'debug',
      terminal: false,
      destination: { write: (line) => logged.push(line) },
    }),
    readLastNightly: async () => ago(options.readLastNightly?.() ?? lastNightly),
    readLastVerification: async () => ago(lastVerification),
    run,
    verify: async () => {
      const startedAt = new Date()
      starts.verification.push(startedAt.toISOString().slice(0, 16))
      await new Promise((resolve) => setTimeout(resolve, options.verificationTakes ?? 1000))
      // It is recorded at its end.
      lastVerification = startedAt
    },
  })
  return { schedule, starts, logged }
}

/** Stops the schedule, and advances the time so that current runs end. */
async function stop(schedule: Schedule, milliseconds: number): Promise<void> {
  const stopped = schedule.stop()
  await vi.advanceTimersByTimeAsync(milliseconds)
  await stopped
}

describe('the schedule', () => {
  it('starts fresh runs at their hours in the time zone', async () => {
    const { schedule, starts } = observe({
      from: '2026-06-01T12:00Z',
      fresh: '*/30 8-9 * * *',
      timeZone: 'Asia/Kolkata',
    })
    await vi.advanceTimersByTimeAsync(DAY)
    expect(starts.fresh).toEqual(['02:30', '03:00', '03:30', '04:00'].map((time) => `2026-06-02T${time}`))
    await stop(schedule, 2000)
  })

  it.each([
    ['spring', '2026-03-28T01:00Z', ['28T01:30', '29T01:00', '30T00:30']],
    ['autumn', '2026-10-24T00:00Z', ['24T00:30', '25T00:30', '26T01:30']],
  ])(
    'starts one nightly run per night while the clock changes in %s, and a fresh run every minute',
    async (_, from, expected) => {
      const { schedule, starts } = observe({ from, schedule: '30 2 * * *', timeZone: 'Europe/Berlin' })
      await vi.advanceTimersByTimeAsync(HOURS * HOUR)
      expect(starts.nightly.map((start) => start.slice(8))).toEqual(expected)
      expect(new Set(starts.fresh).size).toBe(starts.fresh.length)
      expect(starts.fresh).toHaveLength(HOURS * 60)
      await stop(schedule, 2000)
    },
  )

  it('never runs two of a kind at the same time, but one of each', async () => {
    const { schedule, starts, logged } = observe({
      from: '2026-06-01T01:59:30Z',
      nightlyTakes: 25 * HOUR,
      freshTakes: 150_000,
    })
    await vi.advanceTimersByTimeAsync(10 * 60_000)
    expect(starts.nightly).toEqual(['2026-06-01T02:00'])
    expect(starts.fresh).toEqual(['02:00', '02:03', '02:06', '02:09'].map((time) => `2026-06-01T${time}`))
    await vi.advanceTimersByTimeAsync(24 * HOUR)
    expect(starts.nightly).toEqual(['2026-06-01T02:00'])
    expect(logged.join()).toContain('nightly run skipped, the previous one is still running')
    await stop(schedule, 3 * HOUR)
  })

  it('starts one nightly run although the clock of the database is behind that of this machine', () => {
    const isMissed = createMissedRunCheck({ expression: '0 2 * * *', timeZone: 'UTC' })
    // The run started at 02:00:00 of this machine, which was 01:59:59.5 of the database.
    const startedAt = new Date('2026-06-01T01:59:59.5Z')
    expect(isMissed({ startedAt, secondsAgo: 30 }, new Date('2026-06-01T02:00:30Z'))).toBe(false)
    expect(isMissed({ startedAt, secondsAgo: 90 }, new Date('2026-06-01T02:01:30Z'))).toBe(false)
    expect(isMissed({ startedAt, secondsAgo: 86_430 }, new Date('2026-06-02T02:00:30Z'))).toBe(true)
  })

  it('makes up at its start for several missed nightly runs with one', async () => {
    const { schedule, starts } = observe({ from: '2026-06-05T12:00Z', nightlySince: '2026-06-01T02:00Z' })
    await vi.advanceTimersByTimeAsync(0)
    expect(starts.nightly).toEqual(['2026-06-05T12:00'])
    await vi.advanceTimersByTimeAsync(DAY)
    expect(starts.nightly).toEqual(['2026-06-05T12:00', '2026-06-06T02:00'])
    await stop(schedule, 2000)
  })

  it('makes up for a nightly run when its process has died, and when the database is back', async () => {
    let stored: Date | undefined = new Date('2026-06-05T02:00:01Z')
    const { schedule, starts } = observe({
      from: '2026-06-05T02:01Z',
      readLastNightly: () => {
        if (stored) return stored
        throw new Error('no database')
      },
    })
    await vi.advanceTimersByTimeAsync(2 * 60_000)
    stored = undefined
    await vi.advanceTimersByTimeAsync(2 * 60_000)
    expect(starts.nightly).toEqual([])
    stored = new Date('2026-06-04T02:00:01Z')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(starts.nightly).toEqual(['2026-06-05T02:06'])
    stored = new Date('2026-06-05T02:06:00Z')
    await vi.advanceTimersByTimeAsync(10 * 60_000)
    expect(starts.nightly).toHaveLength(1)
    await stop(schedule, 2000)
  })

  it('makes up for a nightly run that the machine slept through', async () => {
    const { schedule, starts } = observe({ from: '2026-06-01T22:00Z' })
    await vi.advanceTimersByTimeAsync(HOUR)
    vi.setSystemTime(new Date('2026-06-02T07:00:30Z'))
    await vi.advanceTimersByTimeAsync(2 * 60_000)
    expect(starts.nightly).toHaveLength(1)
    await stop(schedule, 2000)
  })

  it('verifies at its times, and runs go on meanwhile', async () => {
    const { schedule, starts } = observe({
      from: '2026-06-07T06:29:30Z',
      verify: '0 12 * * 0,1',
      fresh: '0 * * * *',
      timeZone: 'Asia/Kolkata',
      verificationTakes: 90 * 60_000,
    })
    await vi.advanceTimersByTimeAsync(2 * DAY + 60_000)
    expect(starts.verification).toEqual(['2026-06-07T06:30', '2026-06-08T06:30'])
    expect([starts.fresh.length, starts.nightly.length]).toEqual([2 * 24 + 1, 2])
    await stop(schedule, 2 * HOUR)
  })

  it('makes up for a missed verification, starts none when off, and stops after the current one', async () => {
    const missed = { from: '2026-06-10T12:00Z', verifiedSince: '2026-05-31T12:00Z' }
    const { schedule, starts } = observe({ ...missed, verify: '0 12 * * 0', verificationTakes: HOUR })
    await vi.advanceTimersByTimeAsync(0)
    expect(starts.verification).toEqual(['2026-06-10T12:00'])
    let isStopped = false
    const stopped = schedule.stop().then(() => {
      isStopped = true
    })
    await vi.advanceTimersByTimeAsync(HOUR - 1000)
    expect(isStopped).toBe(false)
    await vi.advanceTimersByTimeAsync(1000)
    await stopped
    const off = observe({ ...missed, verify: 'off' })
    await vi.advanceTimersByTimeAsync(HOUR)
    expect([off.starts.verification, off.logged]).toEqual([[], []])
    await stop(off.schedule, 2000)
  })

  it('starts no missed nightly run when it is stopped meanwhile', async () => {
    const { schedule, starts } = observe({ from: '2026-06-03T12:00Z', nightlySince: '2026-06-01T02:00Z' })
    await stop(schedule, 1000)
    expect(starts.nightly).toEqual([])
  })

  it('stops when a fresh run has ended', async () => {
    const { schedule } = observe({ from: '2026-06-01T11:59:30Z', freshTakes: 10 * 60_000 })
    await vi.advanceTimersByTimeAsync(60_000)
    let isStopped = false
    const stopped = schedule.stop().then(() => {
      isStopped = true
    })
    await vi.advanceTimersByTimeAsync(5 * 60_000)
    expect(isStopped).toBe(false)
    await vi.advanceTimersByTimeAsync(5 * 60_000)
    await stopped
  })

  it('stops when the current runs have ended, and starts none after that', async () => {
    const { schedule, starts } = observe({ from: '2026-06-01T01:59:30Z', nightlyTakes: 10 * 60_000 })
    await vi.advanceTimersByTimeAsync(60_000)
    let isStopped = false
    const stopped = schedule.stop().then(() => {
      isStopped = true
    })
    const before = starts.fresh.length
    await vi.advanceTimersByTimeAsync(5 * 60_000)
    expect([isStopped, starts.fresh.length]).toEqual([false, before])
    await vi.advanceTimersByTimeAsync(5 * 60_000)
    await stopped
    expect([isStopped, starts.nightly.length, starts.fresh.length]).toEqual([true, 1, before])
    expect(vi.getTimerCount()).toBe(0)
  })
})
