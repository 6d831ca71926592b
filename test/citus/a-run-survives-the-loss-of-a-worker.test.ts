import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { verifyDatabase } from '../../src/compliance/verify/verify-database.ts'
import { expectTruth } from '../support/expect-truth.ts'
import { onServer } from '../support/on-server.ts'
import { openWorker } from '../support/shards.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'

/** Ends all sessions of the first worker, and refuses connections to it for a time, as a restart does. */
async function restartWorker({ database }: TestApp, milliseconds: number): Promise<void> {
  const url = new URL(database.workerUrls[0] as string)
  const name = url.pathname.slice(1)
  url.pathname = 'postgres'
  await onServer(url.href, `alter database ${name} allow_connections false`)
  await onServer(url.href, `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`)
  await sleep(milliseconds)
  await onServer(url.href, `alter database ${name} allow_connections true`)
}

it('a run continues when a worker restarts in the middle, and loses and repeats nothing', async () => {
  await using bench = await createTestApp({ world: { seed: 5 } })
  const identifiers = bench.simulator.world.register({ count: 3000 })
  await bench.enqueue(identifiers)
  const restarts: Promise<void>[] = []
  const run = await bench.run({
    onProgress: ({ returned }) => {
      if (returned > 700 * (restarts.length + 1) && restarts.length < 3)
        restarts.push(restartWorker(bench, 500 * (restarts.length + 1)))
    },
  })
  await Promise.all(restarts)
  expect(restarts.length).toBe(3)
  expect(run).toMatchObject({ status: 'succeeded', changed: 3000, quarantined: 0 })
  await expectTruth(bench.app.db, bench.simulator.world, identifiers)
  expect((await verifyDatabase(bench.app.db, { tables: true })).findings).toEqual([])
})

it('a run between the snapshots of two nodes is no finding of a verification', async () => {
  await using bench = await createTestApp({ world: { seed: 7 } })
  await bench.load({ count: 20 })
  let readings = 0
  const { findings } = await verifyDatabase(bench.app.db, {
    tables: true,
    prepare: async (trx) => {
      // The coordinator has its snapshot now, and the workers have none yet.
      await trx.selectFrom('identifai.sync_runs').select('run_id').execute()
      if (++readings === 1) await bench.load({ count: 20 })
      return trx
    },
  })
  expect([readings, findings]).toEqual([2, []])
})

it('a run is sealed only after the workers have ended what they had prepared, so that it has all of its revisions', async () => {
  await using bench = await createTestApp({ world: { seed: 6 } })
  await using worker = await openWorker(bench.database)
  await bench.enqueue(bench.simulator.world.register({ count: 5 }))
  // The names of prepared transactions are those of the server.
  const name = `citus_77_${randomInt(1_000_000)}_1_1`
  await worker.client.query(`begin; create table public.pending (); prepare transaction '${name}'`)
  let isSealed = false
  const run = bench.run().finally(() => {
    isSealed = true
  })
  await expect
    .poll(
      async () =>
        (await bench.app.db.selectFrom('identifai.identifiers').select('state').execute()).map(
          ({ state }) => state,
        ),
      { timeout: 10_000 },
    )
    .toEqual(expect.arrayContaining([expect.not.stringMatching('pending')]))
  await sleep(1000)
  const wasSealed = isSealed
  await worker.client.query(`commit prepared '${name}'`)
  expect(wasSealed).toBe(false)
  expect(await run).toMatchObject({ status: 'succeeded', changed: 5 })
})
