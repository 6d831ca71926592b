import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { createDraw } from '../../src/devkit/simulator/draw.ts'
import { benchAgainst } from '../support/bench-against.ts'
import { TEST_SEED } from '../support/test-seed.ts'

const draw = createDraw('drift', TEST_SEED)

/** A random name, which no other field has. */
const randomName = () => `${draw.integer(0, 2 ** 31 - 1)} ${draw.integer(0, 2 ** 31 - 1)}`

const named = (count: number) => Array.from({ length: count }, (_, n) => `id-${n}`)

it('random names of unknown fields become few rows, and no occurrence is lost', async () => {
  await using bench = await benchAgainst((identifiers) =>
    identifiers.map((identifier) => ({
      identifier,
      status: 'done',
      ...Object.fromEntries(Array.from({ length: 50 }, () => [randomName(), 1])),
      details: { [randomName()]: { a: 1 } },
      note: 'a usual unknown field',
    })),
  )
  await bench.enqueue(named(300))
  await bench.run()
  const drift = await bench.app.db
    .selectFrom('identifai.schema_drift')
    .select(['path', 'kind', 'occurrences'])
    .orderBy('path')
    .execute()
  expect(drift.length).toBeLessThan(20)
  expect(drift.reduce((sum, { occurrences }) => sum + occurrences, 0)).toBe(300 * 52)
})

it('names that come one in a batch become few rows, too', async () => {
  await using bench = await benchAgainst(
    (identifiers) => identifiers.map((identifier) => ({ identifier, status: 'done', [randomName()]: 1 })),
    { SYNC_BATCH_SIZE: '1' },
  )
  await sql`
    insert into identifai.schema_drift (media, path, kind, sample)
    select 'audio', '/known-' || n, 'unknown_field', '1' from generate_series(1, 995) as n`.execute(
    bench.app.db,
  )
  await bench.enqueue(named(30))
  await bench.run()
  const { rows } = await sql<{ rows: number; collected: number }>`
    select count(*) as rows, max(occurrences) filter (where path = '/*') as collected from identifai.schema_drift`.execute(
    bench.app.db,
  )
  // Two batches at the same time can each add the last row.
  expect(rows[0]?.rows).toBeLessThanOrEqual(1003)
  expect(rows[0]?.collected).toBeGreaterThanOrEqual(22)
})
