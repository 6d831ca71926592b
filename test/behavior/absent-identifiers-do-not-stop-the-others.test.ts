import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { CircuitBrokenError } from '../../src/platform/errors.ts'
import { readStuck } from '../../src/pipeline/queue/status.ts'
import { executeRun } from '../../src/pipeline/run/execute-run.ts'
import { benchAgainst } from '../support/bench-against.ts'
import type { TestApp } from '../support/test-app.ts'

/** An API that returns every identifier but those in `gone`. */
async function benchWithout(gone: ReadonlySet<string>) {
  return benchAgainst((identifiers) =>
    identifiers.filter((one) => !gone.has(one)).map((identifier) => ({ identifier, status: 'done' })),
  )
}

const named = (prefix: string, count: number) => Array.from({ length: count }, (_, n) => `${prefix}-${n}`)

async function statesOf({ app }: TestApp) {
  const { rows } = await sql<{ state: string; count: number }>`
    select state, count(*) from identifai.identifiers group by state order by state`.execute(app.db)
  return Object.fromEntries(rows.map(({ state, count }) => [state, count]))
}

async function failedRun({ app }: TestApp) {
  const result = await executeRun(app, { trigger: 'nightly', signal: new AbortController().signal })
  expect(result.failure).toBeInstanceOf(CircuitBrokenError)
  return result
}

describe('finished identifiers that the API no longer returns', () => {
  it('are missing after five nightly runs, and each of these confirms all others', async () => {
    const gone = new Set<string>()
    await using bench = await benchWithout(gone)
    await bench.enqueue(named('id', 1500))
    await bench.run()
    // The oldest, which come first.
    for (const deleted of named('id', 200)) gone.add(deleted)
    for (let nightlyRun = 1; nightlyRun <= 5; nightlyRun++) {
      await bench.makeAllDue()
      const run = await bench.run({ trigger: 'nightly' })
      expect(run).toMatchObject({ status: 'succeeded', not_returned: 200 })
      expect(run.done).toBeGreaterThanOrEqual(1300)
      expect(run.requests).toBeLessThanOrEqual(15 + 2)
    }
    expect(await statesOf(bench)).toEqual({ done: 1300, missing: 200 })
  })

  it('are judged by a control group when no others are due', async () => {
    const gone = new Set(named('id', 200))
    await using bench = await benchWithout(new Set())
    await bench.enqueue(named('id', 400))
    await bench.run()
    await bench.makeAllDue()
    await sql`update identifai.identifiers set due_at = now() + interval '1 day' where identifier <> all(${[...gone]})`.execute(
      bench.app.db,
    )
    await using deleted = await benchWithout(gone)
    const app = { ...bench.app, api: deleted.app.api }
    const { run, failure } = await executeRun(app, {
      trigger: 'nightly',
      signal: new AbortController().signal,
    })
    expect(failure).toBeUndefined()
    expect(run).toMatchObject({ status: 'succeeded', not_returned: 200, done: 20, requests: 3 })
  })

  it('do not stop a run when a few of each batch are deleted', async () => {
    const gone = new Set<string>()
    await using bench = await benchWithout(gone)
    await bench.enqueue(named('id', 1500))
    await bench.run()
    // More than the fifth from which on a wrong key is suspected.
    for (let n = 0; n < 1500; n += 4) gone.add(`id-${n}`)
    await bench.makeAllDue()
    const run = await bench.run({ trigger: 'nightly' })
    expect(run).toMatchObject({ status: 'succeeded', not_returned: 375 })
    expect(run.requests).toBeLessThanOrEqual(15 + 2)
  })
})

describe('unknown identifiers', () => {
  it('are counted as absent when the same run finds known ones', async () => {
    await using bench = await benchWithout(new Set(named('wrong', 200)))
    await bench.enqueue([...named('wrong', 200), ...named('id', 50)])
    expect(await bench.run()).toMatchObject({ status: 'succeeded', not_returned: 200, requests: 3 })
    expect(await statesOf(bench)).toEqual({ done: 50, pending: 200 })
  })

  it('are withheld when there is nothing to compare with, and the next run begins with others', async () => {
    await using bench = await benchWithout(new Set(named('wrong', 200)))
    await bench.enqueue(named('wrong', 200))
    await failedRun(bench)
    const stuck = await readStuck(bench.app.db, 1000)
    expect(stuck).toHaveLength(200)
    expect(stuck[0]).toMatchObject({ state: 'pending', absences: 0, attempts: 0 })
    expect(stuck[0]?.last_error).toContain('The API returns none of 200 identifiers.')

    await bench.enqueue(named('id', 50))
    const before = bench.api.requests.length
    expect(await bench.run()).toMatchObject({ status: 'succeeded', not_returned: 200 })
    // Two requests are in progress at the same time, so either can arrive first.
    const first = bench.api.requests.slice(before, before + 2).map((request) => request.toSorted())
    expect(first).toContainEqual(named('id', 50).toSorted())
    const withheld = await sql`select from identifai.identifiers where withheld_at is not null`.execute(
      bench.app.db,
    )
    expect(withheld.rows).toEqual([])
  })

  it('do not stop the run at a window that they fill while others are behind them', async () => {
    await using bench = await benchWithout(new Set(named('wrong', 1500)))
    await bench.enqueue(named('wrong', 1500))
    await failedRun(bench)
    await bench.enqueue(named('id', 10))
    expect(await bench.run()).toMatchObject({ status: 'succeeded', done: 20, not_returned: 1500 })
  })
})

it('a control group is at most every tenth request, however many identifiers are absent', async () => {
  let isDeleting = false
  await using bench = await benchAgainst((identifiers) =>
    identifiers
      .filter((_, n) => !isDeleting || identifiers.length <= 20 || n % 3 > 0)
      .map((identifier) => ({ identifier, status: 'done' })),
  )
  await bench.enqueue(named('id', 6000))
  await bench.run()
  isDeleting = true
  await bench.makeAllDue()
  const before = bench.api.requests.length
  await bench.run({ trigger: 'nightly' })
  const requests = bench.api.requests.slice(before)
  const controlGroups = requests.filter(({ length }) => length === 20)
  expect(controlGroups.length).toBeGreaterThan(0)
  expect(controlGroups.length).toBeLessThanOrEqual(Math.ceil(requests.length / 10))
})
