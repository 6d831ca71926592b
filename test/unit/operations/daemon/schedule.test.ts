import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Schedule, startSchedule } from '../../src/operations/daemon/schedule.ts'
import { createLogger } from '../../src/platform/logger.ts'

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

/** A schedule whose passes take as long as they are told to, and what it did. */
function observe(options: {
  from: string
  schedule?: string
  timeZone?: string
  fresh?: string
  nightlySince?: string
  /** What the database says instead. */
  readLastNightly?: () => Date
  nightlyTakes?: number
  freshTakes?: number
}) {
  vi.setSystemTime(new Date(options.from))
  const starts: { readonly nightly: string[]; readonly fresh: string[] } = { nightly: [], fresh: [] }
  const logged: string[] = []
  let lastNightly = new Date(options.nightlySince ?? options.from)
  const run = (kind: 'nightly' | 'fresh', takes: number) => async () => {
    starts[kind].push(new Date().toISOString().slice(0, 16))
    if (kind === 'nightly') lastNightly = new Date()
    await new Promise((resolve) => setTimeout(resolve, takes))
  }
  const schedule = startSchedule({
    config: {
      schedule: options.schedule ?? '0 2 * * *',
      freshSchedule: options.fresh ?? '* * * * *',
      timeZone: options.timeZone ?? 'UTC',
    },
    logger: createLogger({
      level: 'warn',
      terminal: false,
      destination: { write: (line) => logged.push(line) },
    }),
    readLastNightly: async () => options.readLastNightly?.() ?? lastNightly,
    runNightly: run('nightly', options.nightlyTakes ?? 1000),
    runFresh: run('fresh', options.freshTakes ?? 1000),
  })
  return { schedule, starts, logged }
}

/** Stops it, and lets what is under way end within this time. */
async function stop(schedule: Schedule, milliseconds: number): Promise<void> {
  const stopped = schedule.stop()
  await vi.advanceTimersByTimeAsync(milliseconds)
  await stopped
}

describe('the schedule', () => {
  it('keeps to the hours of fresh passes in their time zone', async () => {
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
    'runs one nightly pass a night while the clock changes in %s, and a fresh one every minute',
    async (_, from, expected) => {
      const { schedule, starts } = observe({ from, schedule: '30 2 * * *', timeZone: 'Europe/Berlin' })
      await vi.advanceTimersByTimeAsync(HOURS * HOUR)
      expect(starts.nightly.map((start) => start.slice(8))).toEqual(expected)
      expect(new Set(starts.fresh).size).toBe(starts.fresh.length)
      expect(starts.fresh).toHaveLength(HOURS * 60)
      await stop(schedule, 2000)
    },
  )

  it('never runs two passes of a kind at once, but one of each', async () => {
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
    expect(logged.join()).toContain('a nightly pass is due while the last one still runs')
    await stop(schedule, 3 * HOUR)
  })

  it('makes up at its start for nights that were missed, once', async () => {
    const { schedule, starts } = observe({ from: '2026-06-05T12:00Z', nightlySince: '2026-06-01T02:00Z' })
    await vi.advanceTimersByTimeAsync(0)
    expect(starts.nightly).toEqual(['2026-06-05T12:00'])
    await vi.advanceTimersByTimeAsync(DAY)
    expect(starts.nightly).toEqual(['2026-06-05T12:00', '2026-06-06T02:00'])
    await stop(schedule, 2000)
  })

  it('makes up for a night once it is known that its process died, or the database is back', async () => {
    let answer: Date | undefined = new Date('2026-06-05T02:00:01Z')
    const { schedule, starts } = observe({
      from: '2026-06-05T02:01Z',
      readLastNightly: () => {
        if (answer) return answer
        throw new Error('no database')
      },
    })
    await vi.advanceTimersByTimeAsync(2 * 60_000)
    answer = undefined
    await vi.advanceTimersByTimeAsync(2 * 60_000)
    expect(starts.nightly).toEqual([])
    answer = new Date('2026-06-04T02:00:01Z')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(starts.nightly).toEqual(['2026-06-05T02:06'])
    answer = new Date('2026-06-05T02:06:00Z')
    await vi.advanceTimersByTimeAsync(10 * 60_000)
    expect(starts.nightly).toHaveLength(1)
    await stop(schedule, 2000)
  })

  it('makes up for a night that the machine slept through', async () => {
    const { schedule, starts } = observe({ from: '2026-06-01T22:00Z' })
    await vi.advanceTimersByTimeAsync(HOUR)
    vi.setSystemTime(new Date('2026-06-02T07:00:30Z'))
    await vi.advanceTimersByTimeAsync(2 * 60_000)
    expect(starts.nightly).toHaveLength(1)
    await stop(schedule, 2000)
  })

  it('stops when the passes under way have ended, and starts none after that', async () => {
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
