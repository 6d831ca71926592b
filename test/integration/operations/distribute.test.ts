import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { commentsAndGrants, move, planMove } from '../../../src/operations/distribution/distribute.ts'
import { closeRun, newRun, openRun } from '../../../src/pipeline/run/run-rows.ts'
import { DATA_TABLES } from '../../support/data-tables.ts'
import { createTestDatabase } from '../../support/test-database.ts'

it('distribution fails on a server without Citus, with the reason, and changes nothing', async () => {
  await using own = await createTestDatabase()
  await expect(move(own.db, 'workers')).rejects.toMatchObject({
    exitCode: 5,
    message: expect.stringMatching(/does not have the extension citus\. .*coordinator of a Citus cluster/),
  })
  expect((await planMove(own.db, 'workers')).statements).toContainEqual(
    expect.stringContaining('DROP TRIGGER'),
  )
})

it('distribution drops the triggers of history, distributes parents first, and removes the copied rows', async () => {
  await using own = await createTestDatabase()
  const { statements } = await planMove(own.db, 'workers')
  const dropped = statements.filter((statement) => statement.startsWith('DROP TRIGGER'))
  expect(dropped).toHaveLength(3)
  expect(statements.slice(dropped.length)).toEqual([
    "SELECT create_distributed_table('identifai.classifications', 'classification_id', colocate_with => 'default')",
    ...DATA_TABLES.slice(1).map(
      (table) =>
        `SELECT create_distributed_table('identifai.${table}', 'classification_id', colocate_with => 'identifai.classifications')`,
    ),
    "SELECT truncate_local_data_after_distributing_table('identifai.classifications')",
    "SELECT truncate_local_data_after_distributing_table('identifai.classification_revisions')",
  ])
})

it('undistribute creates the triggers of history that a dump of a cluster lacks, and nothing else, while no run is in progress', async () => {
  await using own = await createTestDatabase()
  const { statements } = await planMove(own.db, 'workers')
  for (const statement of statements.filter((one) => one.startsWith('DROP TRIGGER'))) {
    await sql.raw(statement).execute(own.db)
  }
  await sql`delete from identifai.classification_revisions`.execute(own.db)
  const run = newRun('manual')
  await openRun(own.db, run)
  await expect(move(own.db, 'coordinator')).rejects.toThrow(`The run ${run.runId} is in progress`)
  await closeRun(own.db, run.runId, { status: 'succeeded', error: null })
  expect(await move(own.db, 'coordinator')).toHaveLength(3)
  await expect(sql`delete from identifai.classification_revisions`.execute(own.db)).rejects.toThrow(
    /append-only/,
  )
  expect(await move(own.db, 'coordinator')).toEqual([])
})

it('the grants on views are repeated with their options', async () => {
  await using own = await createTestDatabase()
  const role = `grantee ${new URL(own.url).pathname.slice(1)}`
  const name = sql.id(role)
  await sql`create role ${name}`.execute(own.db)
  try {
    await sql`grant select on identifai_reporting.clips to ${name} with grant option`.execute(own.db)
    await sql`grant select (name) on identifai_reporting.classifications to ${name}`.execute(own.db)
    expect((await commentsAndGrants(own.db)).filter((one) => one.startsWith('GRANT'))).toEqual([
      `GRANT SELECT (name) ON identifai_reporting.classifications TO "${role}"`,
      `GRANT SELECT ON identifai_reporting.clips TO "${role}" WITH GRANT OPTION`,
    ])
  } finally {
    await sql`drop owned by ${name}`.execute(own.db)
    await sql`drop role ${name}`.execute(own.db)
  }
})
