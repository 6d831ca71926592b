import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { distribute, planDistribution } from '../../../src/operations/distribute.ts'
import { DATA_TABLES } from '../../support/data-tables.ts'
import { createTestDatabase } from '../../support/test-database.ts'

it('distribution fails on a server without Citus, with the reason, and changes nothing', async () => {
  await using own = await createTestDatabase()
  await expect(distribute(own.db)).rejects.toMatchObject({
    exitCode: 5,
    message: expect.stringMatching(/does not have the extension citus\. .*coordinator of a Citus cluster/),
  })
  expect(await planDistribution(own.db)).toContainEqual(expect.stringContaining('DROP TRIGGER'))
})

it('distribution drops the triggers of history and distributes the tables of a classification, parents first', async () => {
  await using own = await createTestDatabase()
  const statements = await planDistribution(own.db)
  const dropped = statements.filter((statement) => statement.startsWith('DROP TRIGGER'))
  expect(statements.slice(dropped.length)).toEqual([
    "SELECT create_distributed_table('identifai.classifications', 'classification_id', colocate_with => 'default')",
    ...DATA_TABLES.slice(1).map(
      (table) =>
        `SELECT create_distributed_table('identifai.${table}', 'classification_id', colocate_with => 'identifai.classifications')`,
    ),
  ])
  // A server without Citus can execute these statements. No trigger is left on these tables afterwards.
  for (const statement of dropped) await sql.raw(statement).execute(own.db)
  expect((await planDistribution(own.db)).filter((statement) => statement.startsWith('DROP'))).toEqual([])
  await sql`delete from identifai.classification_revisions`.execute(own.db)
})
