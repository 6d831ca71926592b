import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { distribute, planDistribution } from '../../../src/operations/distribute.ts'
import { DATA_TABLES } from '../../support/data-tables.ts'
import { createTestDatabase } from '../../support/test-database.ts'

it('on a server without Citus it is an error that says what it is for, and nothing is changed', async () => {
  await using own = await createTestDatabase()
  await expect(distribute(own.db)).rejects.toMatchObject({
    exitCode: 5,
    message: expect.stringContaining('has no Citus'),
  })
  expect(await planDistribution(own.db)).toContainEqual(expect.stringContaining('DROP TRIGGER'))
})

it('would drop the triggers of history and distribute all that hangs on a classification, parents first', async () => {
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
  // Every statement that a plain server understands is one: afterwards no trigger is left on these tables.
  for (const statement of dropped) await sql.raw(statement).execute(own.db)
  expect((await planDistribution(own.db)).filter((statement) => statement.startsWith('DROP'))).toEqual([])
  await sql`delete from identifai.classification_revisions`.execute(own.db)
})
