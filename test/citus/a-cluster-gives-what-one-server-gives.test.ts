import { type Kysely, sql } from 'kysely'
import { expect, it } from 'vitest'
import { verifyDatabase } from '../../src/compliance/verify/verify-database.ts'
import { move } from '../../src/operations/distribution/distribute.ts'
import type { Database } from '../../src/platform/postgres/database.ts'
import { addNote } from '../support/add-note.ts'
import { expectTruth } from '../support/expect-truth.ts'
import { createTestApp } from '../support/test-app.ts'

const IDENTIFIERS = Number(process.env.CITUS_IDENTIFIERS ?? 20_000)

/** Twelve digits of a number, because nodes add up the parts of an average in another order. */
const rounded = (_: string, value: unknown) =>
  typeof value === 'number' ? Number(value.toPrecision(12)) : value

/** The rows of every view as text, each without the age of what waits now. */
async function readViews(db: Kysely<Database>): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows: views } = await sql<{ name: string; columns: string }>`
    select c.relname as name, string_agg(quote_ident(a.attname), ', ' order by a.attnum) as columns
    from pg_class as c join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0
    where c.relnamespace = 'identifai_reporting'::regnamespace and c.relkind = 'v' and a.attname <> 'waiting_seconds'
    group by c.relname order by 1`.execute(db)
  const found = new Map<string, readonly string[]>()
  for (const { name, columns } of views) {
    const { rows } = await sql.raw(`select ${columns} from identifai_reporting.${name}`).execute(db)
    found.set(name, rows.map((row) => JSON.stringify(row, rounded)).toSorted())
  }
  return found
}

it(`${IDENTIFIERS} records are exact, a refresh writes nothing, the chain is verified, and each view has the rows of one server`, async () => {
  await using bench = await createTestApp({ world: { seed: 24 } })
  const { db } = bench.app
  const { world } = bench.simulator
  const identifiers = world.register({ count: IDENTIFIERS })
  await bench.enqueue(identifiers)
  expect(await bench.run()).toMatchObject({ status: 'succeeded', changed: IDENTIFIERS })
  await expectTruth(db, world, identifiers)
  expect(await bench.run({ refreshAll: true })).toMatchObject({ changed: 0, unchanged: IDENTIFIERS })

  for (const position of [10, 11, 12])
    world.override(world.hashOf(identifiers[position] as string) as string, 'human')
  await addNote(db, world.hashOf(identifiers[11] as string) as string)
  await bench.run({ refreshAll: true })
  expect((await verifyDatabase(db, { tables: true })).findings).toEqual([])

  const distributed = await readViews(db)
  expect(distributed.get('classifications')).toHaveLength(IDENTIFIERS)
  expect(distributed.get('forced_classifications')?.length).toBeGreaterThanOrEqual(3)
  expect([...distributed].filter(([, rows]) => rows.length === 0)).toEqual([])
  await move(db, 'coordinator')
  const onOneServer = await readViews(db)
  for (const [name, rows] of distributed) expect(rows, name).toEqual(onOneServer.get(name))
  expect((await verifyDatabase(db, { tables: true })).findings).toEqual([])
  await move(db, 'workers')
  expect((await verifyDatabase(db, { tables: true })).findings).toEqual([])
}, 600_000)
