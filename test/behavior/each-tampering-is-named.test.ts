import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { verifySnapshot } from '../../src/compliance/verify/verify-chain.ts'
import { argumentEntries } from '../../src/pipeline/queue/input/read-arguments.ts'
import { retire } from '../../src/pipeline/queue/retire.ts'
import { type Column, columnsOf, type Table, typeOf } from '../../src/platform/postgres/table.ts'
import {
  ACTIONS,
  CLASSIFICATION_REVISIONS,
  OVERRIDE_NOTES,
  PERSONAL_VALUES,
  REVISION_PAYLOADS,
} from '../../src/platform/postgres/tables/history.ts'
import { CHAIN_LEAVES, SYNC_RUNS } from '../../src/platform/postgres/tables/runs.ts'
import { addNote } from '../support/add-note.ts'
import { DATA_TABLES } from '../support/data-tables.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'

/** The revision that forced a label. */
const FORCED = `revision_no = 2 and classification_id = (
  select min(classification_id) from identifai.classification_revisions where revision_no = 2)`

/** The finding that names an altered, a deleted and an inserted row. */
interface Named {
  readonly altered: RegExp
  readonly deleted: RegExp
  readonly inserted: RegExp
}

/** The tables that verification covers, each with its key, a condition for the row that is altered, and its findings. */
const SEALED: readonly (readonly [Table, key: string, row: string, named: Named])[] = [
  [
    SYNC_RUNS,
    'run_id',
    'chain_position = 2',
    {
      altered:
        /^run [-0-9a-f]{36} (differs from its sealed form|has a head that does not follow|has leaves that do not give its root)/,
      deleted: /^the run at position 2 is missing/,
      inserted: /^the run at position 5 to 98 is missing/,
    },
  ],
  [
    CLASSIFICATION_REVISIONS,
    'classification_id, revision_no',
    FORCED,
    {
      altered: /^revision \d of classification \d+ differs from its sealed form/,
      deleted: /^revision 2 of classification \d+ was sealed, but is missing/,
      inserted: /^revision 2 of classification -\d+ was not sealed, because it was inserted/,
    },
  ],
  [
    PERSONAL_VALUES,
    'classification_id, revision_no',
    FORCED,
    {
      altered: /^personal values of revision \d of classification \d+ differ from the sealed commitment/,
      deleted: /^personal values of revision 2 of classification \d+ are missing, although no redaction/,
      inserted: /^personal values of revision 2 of classification -\d+ cannot have been sealed/,
    },
  ],
  [
    REVISION_PAYLOADS,
    'classification_id, revision_no',
    FORCED,
    {
      altered: /^payload of revision \d of classification \d+ differs from the sealed commitment/,
      deleted: /^payload of revision 2 of classification \d+ is missing, although prune never deletes it/,
      inserted: /^payload of revision 2 of classification -\d+ cannot have been sealed/,
    },
  ],
  [
    OVERRIDE_NOTES,
    'note_id',
    'note_id = 1',
    {
      altered: /^note \d differs from its sealed form/,
      deleted: /^note 1 was sealed, but is missing/,
      inserted: /^note -999999 was not sealed, because it was inserted/,
    },
  ],
  [
    ACTIONS,
    'action_id',
    'action_id = 1',
    {
      altered: /^action \d differs from its sealed form/,
      deleted: /^action 1 was sealed, but is missing/,
      inserted: /^action -999999 was not sealed, because it was inserted/,
    },
  ],
  [
    CHAIN_LEAVES,
    'chain_position, leaf_no',
    'chain_position = 2 and leaf_no = 0',
    {
      altered: /^run [-0-9a-f]{36} has leaves that do not give its root/,
      deleted: /^revision 2 of classification \d+ was not sealed, because it was inserted/,
      inserted: /^the run at position -999998 has leaves but no row, because it was removed/,
    },
  ],
]

/** Columns by which a row is found: with another value of one, the row itself is missing. */
const REFERENCES = new Set([
  'run_id',
  'chain_position',
  'leaf_no',
  'classification_id',
  'revision_no',
  'note_id',
  'action_id',
])

/** Columns that no proof covers, as docs/compliance.md states. */
const UNPROVED = new Set([
  'sync_runs.heartbeat_at',
  // It has to be given the key.
  'sync_runs.chain_signature',
  // They serve the comparison with the next response, and can be removed.
  'personal_values.content_digest',
  'personal_values.digest_version',
])

/** Drops what would refuse other values: checks, and the generation of keys. */
async function dropChecks(trx: TestApp['app']['db']): Promise<void> {
  await sql`do $$ declare one record; begin
    for one in select conrelid::regclass as of, conname from pg_constraint
      where connamespace = 'identifai'::regnamespace and contype in ('c', 'f') loop
      execute format('alter table %s drop constraint %I', one.of, one.conname);
    end loop;
    for one in select attrelid::regclass as of, attname from pg_attribute
      where attidentity <> '' and attrelid::regclass::text in ('identifai.override_notes', 'identifai.actions') loop
      execute format('alter table %s alter %I drop identity', one.of, one.attname);
    end loop;
  end $$`.execute(trx)
}

/** Citus refuses to change the column by which rows are distributed. */
const isRefused = (table: Table, name: string) =>
  inject('workerUrls').length > 0 && name === 'classification_id' && DATA_TABLES.includes(table.name)

const HASH = /_hash$|_digest$|_commitment$|^salt$|_root$|^chain_head$/

/** SQL for another value of a column that fits its type and its checks. */
function otherValue(name: string, column: Column): string {
  if (typeof column !== 'string') {
    const [, values] = column
    const type = typeOf(column)
    const other = type === 'text[]' ? `array['${values.at(-1)}']` : `'${values.at(-1)}'`
    return type === 'text[]' ? other : `case when ${name} = ${other} then '${values[0]}' else ${other} end`
  }
  switch (typeOf(column)) {
    case 'bigint':
    case 'integer':
    case 'smallint':
      return `coalesce(${name}, 0) + 1000000`
    case 'double precision':
      return `coalesce(${name}, 0) + 0.125`
    case 'boolean':
      return `not ${name}`
    case 'timestamptz':
      return `((coalesce(${name}, '2026-01-01Z') at time zone 'UTC') - interval '1 microsecond') at time zone 'UTC'`
    case 'uuid':
      return "'0c9e1b4c-3f5a-4d55-9d3b-6b8d1a2f7e10'"
    case 'text[]':
      return `array_append(${name}, repeat('a', 64))`
    case 'json':
      return `'{"identifier": "x"}'`
    case 'jsonb':
      return `'[7]'`
    case 'bytea':
      return `'\\x00'`
    case 'text':
      return HASH.test(name) ? "repeat('a', 64)" : `coalesce(${name}, '') || 'x'`
  }
}

describe('as a superuser without triggers', () => {
  let bench: TestApp
  beforeAll(async () => {
    bench = await createTestApp({ world: { seed: 29 } })
    const { world } = bench.simulator
    const identifiers = await bench.load({ count: 30, outcome: 'done' })
    const hash = world.hashOf(identifiers[10] as string) as string
    world.override(hash, 'human')
    await bench.run({ refreshAll: true })
    await addNote(bench.app.db, hash)
    await addNote(bench.app.db, hash, { corrects: 1 })
    await retire(bench.app.db, argumentEntries(identifiers.slice(20, 22)), { reason: 'over', author: 'A' })
    await retire(bench.app.db, argumentEntries([identifiers[22] as string]), { reason: 'over' })
    await bench.run({ refreshAll: true })
    await bench.run({ refreshAll: true })
  })
  afterAll(() => bench[Symbol.asyncDispose]())

  /** The findings after some statements, which are rolled back. */
  async function findingsAfter(...statements: string[]): Promise<string[]> {
    const trx = await bench.database.db.startTransaction().execute()
    try {
      await sql`set local session_replication_role = replica`.execute(trx)
      await dropChecks(trx)
      for (const statement of statements) {
        const { numAffectedRows } = await sql.raw(statement).execute(trx)
        expect(Number(numAffectedRows ?? 1), statement).toBeGreaterThan(0)
      }
      const { findings } = await verifySnapshot(trx)
      return findings.map(({ what, problem }) => `${what} ${problem}`)
    } finally {
      await trx.rollback().execute()
    }
  }

  it('nothing is found without an alteration', async () => {
    expect(await findingsAfter()).toEqual([])
  })

  it.each(
    SEALED.flatMap(([table, , row, named]) =>
      columnsOf(table)
        .filter((name) => !isRefused(table, name))
        .map((name) => [`${table.name}.${name}`, table, name, row, named] as const),
    ),
  )('altering %s is found, or the column is not proved', async (column, table, name, row, named) => {
    const value = otherValue(name, table.columns[name] as Column)
    const found = await findingsAfter(`update identifai.${table.name} set ${name} = ${value} where ${row}`)
    if (UNPROVED.has(column)) return expect(found).toEqual([])
    const expected = REFERENCES.has(name) ? [named.altered, named.deleted] : [named.altered]
    expect(
      found.filter((one) => expected.some((pattern) => pattern.test(one))),
      found.join('\n'),
    ).not.toEqual([])
  })

  it.each(SEALED)(
    'deleting, inserting and reordering rows of %o is found',
    async (table, key, row, named) => {
      const name = `identifai.${table.name}`
      expect(await findingsAfter(`delete from ${name} where ${row}`)).toContainEqual(
        expect.stringMatching(named.deleted),
      )
      const [first = ''] = key.split(', ')
      // A note or an action with a higher key would be a new one, which the next run seals.
      const moved = table === SYNC_RUNS ? 'gen_random_uuid()' : `${first} - 1000000`
      const chained = table === SYNC_RUNS ? ', chain_position = 99' : ''
      expect(
        await findingsAfter(
          `create temporary table copy on commit drop as select * from ${name} where ${row}`,
          `update copy set ${first} = ${moved}${chained}`,
          `insert into ${name} overriding system value select * from copy`,
        ),
      ).toContainEqual(expect.stringMatching(named.inserted))
      // Two rows take each other's key.
      const others = columnsOf(table).filter(
        (column) => !key.split(', ').includes(column) && column !== 'chain_position',
      )
      const swapped = others.map((column) => `${column} = other.${column}`).join(', ')
      expect(
        await findingsAfter(
          `update ${name} as one set ${swapped} from (select *, row_number() over (order by ${key}) as n from ${name}) as other,
          (select *, row_number() over (order by ${key}) as n from ${name}) as own
          where ${key
            .split(', ')
            .map((part) => `own.${part} = one.${part}`)
            .join(' and ')}
            and other.n = case own.n when 1 then 2 when 2 then 1 end`,
        ),
      ).toContainEqual(expect.stringMatching(named.altered))
    },
  )
})
