import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { readPlan } from '../../../../src/pipeline/plan/read-plan.ts'
import { startCannedApi } from '../../../support/canned-api.ts'
import { createTestApp, type TestApp } from '../../../support/test-app.ts'

const OTHER_RUN = '00000000-0000-4000-8000-000000000000'

/** Tracks `count` identifiers, whose names begin with `name`. */
async function seed({ app }: TestApp, name: string, count: number, columns: Record<string, string>) {
  const names = ['identifier', ...Object.keys(columns)].join(', ')
  const values = Object.values(columns).map((value) => `, ${value}`)
  await sql`
    insert into identifai.identifiers (${sql.raw(names)})
    select ${name} || n ${sql.raw(values.join(''))} from generate_series(1, ${count}) as n`.execute(app.db)
}

const PAST = "now() - interval '1 hour'"
const LATER = "now() + interval '1 hour'"

describe('a plan', () => {
  it('has the identifiers that a run would request, by class, and their cost at the quota', async () => {
    await using api = await startCannedApi((identifiers) =>
      identifiers.map((identifier) => ({ identifier, status: 'done' })),
    )
    await using bench = await createTestApp({
      environment: {
        IDENTIFAI_API_URL: api.url,
        SYNC_REQUESTS_PER_SECOND: '20',
        SYNC_REQUESTS_PER_MINUTE: '600',
      },
    })
    await seed(bench, 'new-', 250, {})
    await seed(bench, 'poll-', 30, { last_requested_at: PAST, due_at: PAST })
    await seed(bench, 'again-', 4, { state: "'done'", priority: '0', last_requested_at: PAST, due_at: PAST })
    await seed(bench, 'finished-', 120, {
      state: "'done'",
      priority: '-10',
      last_requested_at: PAST,
      due_at: PAST,
    })
    await seed(bench, 'gone-', 5, {
      state: "'missing'",
      priority: '-10',
      last_requested_at: PAST,
      due_at: PAST,
    })
    await seed(bench, 'refreshed-', 7, {
      state: "'errored'",
      priority: '10',
      last_requested_at: PAST,
      refresh_requested_at: 'now()',
      due_at: PAST,
    })
    // Not due, quarantined, or leased by another run.
    await seed(bench, 'later-', 900, {
      state: "'done'",
      priority: '-10',
      last_requested_at: PAST,
      due_at: LATER,
    })
    await seed(bench, 'quarantined-', 11, { state: "'quarantined'", last_requested_at: PAST, due_at: 'null' })
    await seed(bench, 'leased-', 13, { lease_until: LATER, leased_by: `'${OTHER_RUN}'` })

    const plan = await readPlan(bench.app)
    const slot = 0.1015 / 60
    const near = (minutes: number) => expect.closeTo(minutes, 6)
    expect(plan).toMatchObject({
      identifiers: 416,
      requests: 5,
      minutes: near(5 * slot),
      by_class: [
        { class: 'refresh_request', identifiers: 7, requests: 1, minutes: near(slot) },
        { class: 'new', identifiers: 250, requests: 3, minutes: near(3 * slot) },
        { class: 'unfinished', identifiers: 34, requests: 1, minutes: near(slot) },
        { class: 'refresh', identifiers: 125, requests: 2, minutes: near(2 * slot) },
      ],
      full_refresh: {
        identifiers: 1031,
        requests: 11,
        minutes: near(11 * slot),
        refresh_hours: 12,
        fits: true,
      },
    })
    expect(plan.clears_at.getTime() - Date.now()).toBeGreaterThan(0)
    expect(plan.clears_at.getTime() - Date.now()).toBeLessThan(6000)

    expect(await readPlan(bench.app, { includeFinished: true })).toMatchObject({
      identifiers: 416 + 900,
      requests: 14,
    })
    // Polls have been due for longer than new identifiers.
    expect(await readPlan(bench.app, { limit: 100 })).toMatchObject({
      identifiers: 100,
      requests: 1,
      by_class: [{ identifiers: 7 }, { identifiers: 59 }, { identifiers: 34 }, { identifiers: 0 }],
    })
    // A run follows the plan.
    expect(await bench.run()).toMatchObject({ claimed: 416, requests: 5 })
  })

  it('reports when a full refresh takes longer than the refresh interval', async () => {
    await using bench = await createTestApp({
      environment: { SYNC_REQUESTS_PER_SECOND: '2', SYNC_REQUESTS_PER_MINUTE: '1', SYNC_REFRESH_HOURS: '1' },
    })
    await seed(bench, 's-', 6000, { state: "'done'", priority: '-10', due_at: LATER })
    expect((await readPlan(bench.app)).full_refresh).toMatchObject({ requests: 60, fits: false })
    await sql`update identifai.identifiers set state = 'pending' where id % 2 = 0`.execute(bench.app.db)
    expect((await readPlan(bench.app)).full_refresh).toMatchObject({ requests: 30, fits: true })
  })

  it('counts the requests of identifiers with a request limit', async () => {
    await using bench = await createTestApp()
    await seed(bench, 'n-', 200, {})
    await seed(bench, 'h-', 3, { request_limit: '1' })
    await seed(bench, 'm-', 50, { request_limit: '25' })
    expect(await readPlan(bench.app)).toMatchObject({ identifiers: 253, requests: 2 + 3 + 2 })
  })

  it('of an empty queue is empty', async () => {
    await using bench = await createTestApp()
    expect(await readPlan(bench.app)).toMatchObject({
      identifiers: 0,
      requests: 0,
      minutes: 0,
      full_refresh: { identifiers: 0, requests: 0, fits: true },
    })
  })
})
