import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { CircuitBrokenError } from '../../src/platform/errors.ts'
import { examine } from '../../src/operations/doctor/examine.ts'
import { executeRun } from '../../src/pipeline/run/execute-run.ts'
import { benchAgainst } from '../support/bench-against.ts'
import type { TestApp } from '../support/test-app.ts'

const named = (count: number) => Array.from({ length: count }, (_, n) => `id-${n}`)

async function rowsOf({ app }: TestApp) {
  const { rows } = await sql`
    select distinct state, priority, round(extract(epoch from due_at - last_requested_at) / 60)::int as "dueAfterMinutes"
    from identifai.identifiers order by 1`.execute(app.db)
  return rows
}

it('a new submission with it is requested again like a new one, until it is done', async () => {
  let status = 'processing'
  await using bench = await benchAgainst((identifiers) =>
    identifiers.map((identifier) => ({ identifier, status })),
  )
  await bench.enqueue(named(20))
  expect(await bench.run()).toMatchObject({ status: 'succeeded', pending: 20, quarantined: 0 })
  expect(await rowsOf(bench)).toEqual([{ state: 'pending', priority: 0, dueAfterMinutes: 1 }])
  const { rows } = await sql`
    select c.status, r.status as counts_as from identifai.classifications as c
    join identifai.classification_revisions as r using (classification_id) group by 1, 2`.execute(
    bench.app.db,
  )
  expect(rows).toEqual([{ status: 'processing', counts_as: 'new' }])
  const drift = await bench.app.db.selectFrom('identifai.schema_drift').selectAll().execute()
  expect(drift).toMatchObject([
    { path: '/status', kind: 'unknown_value', occurrences: 20, sample: '"processing"' },
  ])

  const { IDENTIFAI_API_KEY, IDENTIFAI_API_URL } = {
    IDENTIFAI_API_KEY: 'k',
    IDENTIFAI_API_URL: bench.api.url,
  }
  const environment = { DATABASE_URL: bench.database.url, IDENTIFAI_API_KEY, IDENTIFAI_API_URL }
  const findings = await examine(environment, { unknown: [], known: undefined, onFinding: () => {} })
  expect(findings.find(({ check }) => check === 'statuses')).toMatchObject({
    status: 'warning',
    found: expect.stringContaining('"processing"'),
  })

  status = 'done'
  await bench.makeAllDue()
  expect(await bench.run()).toMatchObject({ status: 'succeeded', done: 20 })
})

it('a finished identifier that returns with it keeps its rows, and is requested again at the refresh interval', async () => {
  let isOdd = false
  await using bench = await benchAgainst((identifiers) =>
    identifiers.map((identifier) => ({
      identifier,
      status: isOdd && identifier === 'id-0' ? 'archived' : 'done',
      verdict: { heuristic: 'Majority', confidence: 0.9, classification: 'human' },
    })),
  )
  await bench.enqueue(named(20))
  await bench.run()
  isOdd = true
  await bench.makeAllDue()
  expect(await bench.run()).toMatchObject({ status: 'succeeded', done: 19, pending: 1 })
  expect(await rowsOf(bench)).toEqual([{ state: 'done', priority: -10, dueAfterMinutes: 720 }])
  const { rows } = await sql`select distinct status from identifai.classifications`.execute(bench.app.db)
  expect(rows).toEqual([{ status: 'done' }])
})

it('more than a tenth with it stops the run, and changes nothing', async () => {
  let isOdd = false
  await using bench = await benchAgainst((identifiers) =>
    identifiers.map((identifier) => ({ identifier, status: isOdd ? 'finished' : 'done' })),
  )
  await bench.enqueue(named(300))
  await bench.run()
  isOdd = true
  await bench.makeAllDue()
  const { run, failure } = await executeRun(bench.app, {
    trigger: 'nightly',
    signal: new AbortController().signal,
  })
  expect(failure).toBeInstanceOf(CircuitBrokenError)
  expect((failure as Error).message).toContain('have a status that is not documented')
  expect(run).toMatchObject({ status: 'failed', pending: 0, changed: 0 })
  expect(await rowsOf(bench)).toMatchObject([{ state: 'done', priority: -10 }])
})
