import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createReader } from '../../../../src/operations/daemon/create-reader.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** Readings that take five seconds, and return 1, 2, 3… or fail. */
function setUp({ fails = false, reusePerDuration }: { fails?: boolean; reusePerDuration?: number } = {}) {
  let readings = 0
  const failures: unknown[] = []
  const read = async () => {
    readings += 1
    vi.advanceTimersByTime(5000)
    if (fails) throw new Error('the database is down')
    return readings
  }
  const reader = createReader(read, {
    waitMs: 60_000,
    onFailure: (error) => failures.push(error),
    ...(reusePerDuration !== undefined && { reusePerDuration }),
  })
  return {
    failures,
    /** The result after some seconds, and the number of readings until then. */
    after: async (seconds: number) => {
      vi.advanceTimersByTime(seconds * 1000)
      const reading = await reader()
      return [reading?.value, readings]
    },
  }
}

it('reuses a reading for 20 times its duration', async () => {
  const { after } = setUp()
  expect(await after(0)).toEqual([1, 1])
  expect(await after(99)).toEqual([1, 1])
  expect(await after(2)).toEqual([2, 2])
})

it('reuses a reading for another multiple of its duration where one is given', async () => {
  const { after } = setUp({ reusePerDuration: 1 })
  expect(await after(0)).toEqual([1, 1])
  expect(await after(4)).toEqual([1, 1])
  expect(await after(2)).toEqual([2, 2])
})

it('repeats a failed reading after its own duration', async () => {
  const { after, failures } = setUp({ fails: true })
  expect(await after(0)).toEqual([undefined, 1])
  expect(await after(4)).toEqual([undefined, 1])
  expect(await after(2)).toEqual([undefined, 2])
  expect(failures).toHaveLength(2)
})

it.each([
  { maxOverdueMs: 120_000, seconds: 219, value: 1 },
  { maxOverdueMs: 120_000, seconds: 221, value: undefined },
  { maxOverdueMs: undefined, seconds: 10_000, value: 1 },
])(
  'after $seconds seconds, returns $value while the next reading takes long ($maxOverdueMs)',
  async ({ maxOverdueMs, seconds, value }) => {
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let readings = 0
    const reader = createReader(
      async () => {
        readings += 1
        if (readings === 1) vi.advanceTimersByTime(5000)
        else await held
        return readings
      },
      { waitMs: 1, onFailure: () => {}, ...(maxOverdueMs !== undefined && { maxOverdueMs }) },
    )
    expect((await reader())?.value).toBe(1)
    vi.advanceTimersByTime(seconds * 1000)
    expect((await reader())?.value).toBe(value)
    release()
    expect((await reader())?.value).toBe(2)
  },
)
