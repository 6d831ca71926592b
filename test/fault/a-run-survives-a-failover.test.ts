import { expect, it } from 'vitest'
import { startTestServer } from '../support/start-test-server.ts'
import { executeRun } from '../../src/pipeline/run/execute-run.ts'
import { connect } from '../../src/platform/postgres/connect.ts'
import { READ_ONLY } from '../../src/platform/postgres/database-error.ts'
import { migrateUp } from '../../src/platform/postgres/migrate.ts'
import { expectTruth } from '../support/expect-truth.ts'
import { startStandby } from '../support/start-standby.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { runUntilFinished } from '../support/run-until-finished.ts'
import { createTestApp } from '../support/test-app.ts'

const IDENTIFIERS = 500

it('a failover to a standby in the middle of a run only delays it', async () => {
  await using primary = await startTestServer()
  const { db } = connect({ connectionString: primary.url(), maxConnections: 1 })
  await migrateUp(db)
  await db.destroy()
  await using standby = await startStandby(primary)
  const url = new URL(primary.url())
  const target = { host: '127.0.0.1', port: Number(url.port) }
  await using proxy = await startTcpProxy(target)
  url.port = String(proxy.port)
  const log: string[] = []
  await using bench = await createTestApp({
    onLogLine: (line) => log.push(line),
    environment: { DATABASE_URL: url.href, SYNC_BATCH_SIZE: '10', SYNC_LEASE_SECONDS: '3' },
  })
  const identifiers = bench.simulator.world.register({ count: IDENTIFIERS })
  await bench.enqueue(identifiers)

  let failover: Promise<void> | undefined
  const failOver = async () => {
    await primary.stop()
    // The address leads to the standby before that accepts writes.
    target.port = standby.port
    await expect.poll(() => log.some((line) => line.includes(READ_ONLY))).toBe(true)
    await standby.promote()
  }
  const { run, failure } = await executeRun(bench.app, {
    trigger: 'manual',
    signal: new AbortController().signal,
    onProgress: ({ returned }) => {
      if (returned >= IDENTIFIERS / 3) failover ??= failOver()
    },
  })
  expect(failover).toBeDefined()
  await failover
  expect(failure).toBeUndefined()
  expect(['succeeded', 'partial']).toContain(run.status)

  await runUntilFinished(bench)
  const promoted = connect({ connectionString: standby.url, maxConnections: 1 })
  await expectTruth(promoted.db, bench.simulator.world, identifiers)
  await promoted.db.destroy()
})
