import { expect, it } from 'vitest'
import { readReport } from '../../../../../src/compliance/report/read/read-report.ts'
import { verifyDatabase } from '../../../../../src/compliance/verify/verify-database.ts'
import { startTestServer } from '../../../../support/start-test-server.ts'
import { readClock } from '../../../../../src/platform/postgres/clock.ts'
import { connect } from '../../../../../src/platform/postgres/connect.ts'
import { migrateUp } from '../../../../../src/platform/postgres/migrate.ts'
import { startStandby } from '../../../../support/start-standby.ts'
import { createTestApp } from '../../../../support/test-app.ts'

it('a report from a standby accepts an as-of only when a run that was sealed later proves that it has all before', async () => {
  await using primary = await startTestServer()
  const owner = connect({ connectionString: primary.url(), maxConnections: 1 })
  await migrateUp(owner.db)
  await using standby = await startStandby(primary)
  await using bench = await createTestApp({ environment: { DATABASE_URL: primary.url() } })
  const replica = connect({ connectionString: standby.url, maxConnections: 1 })
  const report = async (asOf: string | null) =>
    readReport(replica.db, { media: 'audio', from: null, to: null, asOf })
  await bench.load({ count: 5, outcome: 'done' })
  const asOf = await readClock(owner.db)
  await expect(report(asOf)).rejects.toThrow('This server is a standby, and may still lack runs')
  const newest = await report(null)

  await bench.makeAllDue()
  await bench.run()
  await expect
    .poll(() =>
      report(asOf).then(
        ({ head }) => head.as_of,
        () => null,
      ),
    )
    .toEqual(newest.head.as_of)
  expect(await verifyDatabase(replica.db, { tables: true })).toMatchObject({
    tables: { classifications: 5, definitions: null },
    findings: [],
  })
  await replica.db.destroy()
  await owner.db.destroy()
})
