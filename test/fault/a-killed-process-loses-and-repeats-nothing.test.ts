import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { createDraw } from '../../src/devkit/simulator/draw.ts'
import { World } from '../../src/devkit/simulator/world.ts'
import { expectTruth } from '../support/expect-truth.ts'
import { FAULTS, startFaultyApi } from '../support/faulty-api.ts'
import { hasPgBouncer, startPgBouncer } from '../support/pg-bouncer.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'
import { createTestCli } from '../support/test-cli.ts'
import { TEST_SEED } from '../support/test-seed.ts'

/** The number that `npm run test:soak` sets, or a smaller one. */
const KILLS = Number(process.env.CRASH_KILLS ?? 6)
const IDENTIFIERS = Number(process.env.CRASH_IDENTIFIERS ?? 1000)

const PASSING_FAULTS = [
  'reset before headers',
  'reset in the body',
  'status 500',
  'status 503',
  'JSON that breaks off',
  'an empty body',
] as const

const WAYS = hasPgBouncer ? (['directly', 'behind PgBouncer'] as const) : (['directly'] as const)

it.each(WAYS)(
  'two workers that are killed at any moment, against an API with faults, lose nothing and load nothing twice, %s',
  {
    timeout: 300_000,
  },
  async (way) => {
    await using pooler = way === 'directly' ? undefined : await startPgBouncer()
    const draw = createDraw('crash', TEST_SEED)
    const world = new World({ seed: 13, requestsUntilDone: 0 })
    await using api = await startFaultyApi({
      world,
      fault: (exchange) => FAULTS[draw.pick(PASSING_FAULTS)](exchange),
      befalls: (request) => request % 7 === 0,
    })
    await using bench = await createTestApp()
    using cli = createTestCli()
    const identifiers = world.register({ count: IDENTIFIERS })
    await bench.enqueue(identifiers)
    const environment = {
      DATABASE_URL: pooler?.through(bench.database.url) ?? bench.database.url,
      IDENTIFAI_API_URL: api.url,
      IDENTIFAI_API_KEY: 'crash-key',
      // Slow enough that the work outlasts the kills.
      SYNC_REQUESTS_PER_SECOND: '4',
      SYNC_REQUESTS_PER_MINUTE: '240',
      SYNC_LEASE_SECONDS: '2',
      SYNC_RETRY_BASE_MS: '10',
    }

    let kills = 0
    const worker = async () => {
      while (kills < KILLS) {
        kills++
        const child = cli.start(['sync'], environment)
        const exited = once(child, 'exit')
        // A few are killed while the process starts, most in the middle of a run.
        if (draw.chance(0.8)) await Promise.race([exited, once(child.stderr ?? child, 'data')])
        await Promise.race([exited, sleep(draw.integer(0, 1500))])
        child.kill('SIGKILL')
        await exited
      }
    }
    await Promise.all([worker(), worker()])

    expect(kills).toBeGreaterThanOrEqual(KILLS)
    // Some were killed in the middle of a run. A later run closes each of them after its lease has expired.
    const killed = (await runs(bench)).filter(
      ({ status }) => status === 'running' || status === 'interrupted',
    )
    expect(killed.length).toBeGreaterThan(0)
    // The claims of the last ones are free after a lease, and their failed identifiers are due again after a backoff.
    await expect
      .poll(
        async () => {
          await bench.makeAllDue()
          await cli.call(['sync'], environment)
          return unfinished(bench)
        },
        { timeout: 120_000, interval: 500 },
      )
      .toBe(0)
    // A run closes those of killed processes, once their leases have expired.
    await expect
      .poll(
        async () => {
          await cli.call(['sync'], environment)
          return (await runs(bench)).map(({ status }) => status)
        },
        { timeout: 30_000, interval: 500 },
      )
      .not.toContain('running')

    await expectTruth(bench.database.db, world, identifiers)
    const { rows: revisions } = await sql<{
      n: number
    }>`select count(*) as n from identifai.classification_revisions`.execute(bench.database.db)
    expect(revisions).toEqual([{ n: IDENTIFIERS }])
    expect(api.counts.requests).toBeLessThan((1.5 * IDENTIFIERS) / 100 + 100 * kills)
    for (const run of await runs(bench)) {
      if (run.status === 'succeeded' || run.status === 'partial') expect(run.claimed).toBe(run.accounted)
      if (run.status === 'interrupted') expect(run.error).toContain('no heartbeat')
    }
  },
)

async function unfinished({ database }: TestApp): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*) as n from identifai.identifiers where state not in ('done', 'errored')`.execute(
    database.db,
  )
  return rows[0]?.n ?? Number.NaN
}

async function runs({ database }: TestApp) {
  return database.db
    .selectFrom('identifai.sync_runs')
    .select(['status', 'error', 'claimed'])
    .select(sql<number>`done + pending + errored + not_returned + quarantined + released`.as('accounted'))
    .execute()
}
