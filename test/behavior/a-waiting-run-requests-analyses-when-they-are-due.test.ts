import { describe, expect, it } from 'vitest'
import { executeRun } from '../../src/pipeline/run/execute-run.ts'
import { benchAgainst } from '../support/bench-against.ts'

/** A test app whose API finishes every analysis at the second request. */
function benchOfSlowAnalyses() {
  const requested = new Set<string>()
  return benchAgainst((identifiers) =>
    identifiers.map((identifier) => {
      const status = requested.has(identifier) ? 'done' : 'new'
      requested.add(identifier)
      return { identifier, status }
    }),
  )
}

describe('a run that may wait', () => {
  it('requests unfinished analyses when they are due, and new identifiers that are enqueued meanwhile', async () => {
    await using bench = await benchOfSlowAnalyses()
    await bench.enqueue(['a', 'b'])
    const waits: number[] = []
    const run = await bench.run({
      waitMs: 15 * 60_000,
      onWait: (seconds) => {
        waits.push(seconds)
        // Time would make these due, and another process may enqueue one.
        void bench.makeAllDue().then(() => (waits.length === 1 ? bench.enqueue(['late']) : undefined))
      },
    })
    expect(run).toMatchObject({
      status: 'succeeded',
      claimed: 6,
      pending: 3,
      done: 3,
      pending_count: 0,
    })
    expect(bench.api.requests.flat().toSorted()).toEqual(['a', 'a', 'b', 'b', 'late', 'late'])
    // The first poll comes after a minute.
    expect(waits[0]).toBeGreaterThan(50)
    expect(waits[0]).toBeLessThanOrEqual(60)
  })

  it('requests an identifier again that the API left out, and does not wait for identifiers that come due too late', async () => {
    await using bench = await benchAgainst((identifiers) =>
      identifiers.filter((one) => one !== 'gone').map((identifier) => ({ identifier, status: 'done' })),
    )
    await bench.enqueue(['a', 'gone'])
    const waits: number[] = []
    const run = await bench.run({
      waitMs: 65_000,
      onWait: (seconds) => {
        waits.push(seconds)
        void bench.makeAllDue()
      },
    })
    // The second absence makes it due in a quarter of an hour, later than the run may wait.
    expect(run).toMatchObject({ status: 'succeeded', done: 1, not_returned: 2 })
    expect(waits).toHaveLength(1)
  })

  it.each([
    ['does not wait for identifiers that come due later', { waitMs: 30_000 }],
    ['does not wait without the option', {}],
    ['does not wait once its limit is reached', { waitMs: 600_000, limit: 1 }],
  ])('%s', async (_, options) => {
    await using bench = await benchOfSlowAnalyses()
    await bench.enqueue(['a'])
    const run = await bench.run({
      ...options,
      onWait: () => {
        throw new Error('it waits')
      },
    })
    expect(run).toMatchObject({ status: 'succeeded', claimed: 1, pending: 1 })
  })

  it('stops waiting when it is interrupted', async () => {
    await using bench = await benchOfSlowAnalyses()
    await bench.enqueue(['a'])
    const stop = new AbortController()
    const { run, failure } = await executeRun(bench.app, {
      trigger: 'manual',
      signal: stop.signal,
      waitMs: 600_000,
      onWait: () => stop.abort(new Error('enough')),
    })
    expect(failure).toBeUndefined()
    expect(run).toMatchObject({ status: 'interrupted', error: 'enough', pending: 1, released: 0 })
  })
})
