import { expect, it } from 'vitest'
import { connect } from '../../src/platform/postgres/connect.ts'
import { migrateUp } from '../../src/platform/postgres/migrate.ts'
import { startTestServer } from '../support/start-test-server.ts'
import { executeRun } from '../../src/pipeline/run/execute-run.ts'
import { expectTruth } from '../support/expect-truth.ts'
import { sampleSize } from '../support/sample-size.ts'
import { runUntilFinished } from '../support/run-until-finished.ts'
import { createTestApp } from '../support/test-app.ts'

it('two crashes of PostgreSQL in the middle of a run only delay it', async () => {
  await using postgres = await startTestServer()
  const { db } = connect({ connectionString: postgres.url(), maxConnections: 2 })
  await migrateUp(db)
  await using bench = await createTestApp({
    environment: { DATABASE_URL: postgres.url(), SYNC_BATCH_SIZE: '10', SYNC_LEASE_SECONDS: '3' },
  })
  const identifiers = bench.simulator.world.register({ count: sampleSize(500) })
  await bench.enqueue(identifiers)

  const crashes: Promise<void>[] = []
  const { run, failure } = await executeRun(bench.app, {
    trigger: 'manual',
    signal: new AbortController().signal,
    onProgress: ({ returned }) => {
      if (returned >= 150 * (crashes.length + 1) && crashes.length < 2) crashes.push(postgres.crash())
    },
  })
  expect(crashes).toHaveLength(2)
  await Promise.all(crashes)
  expect(failure).toBeUndefined()
  expect(['succeeded', 'partial']).toContain(run.status)

  await runUntilFinished(bench)
  await expectTruth(db, bench.simulator.world, identifiers)
  await db.destroy()
})
