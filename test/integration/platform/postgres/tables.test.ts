import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ENDPOINTS } from '../../../../src/media/registry.ts'
import { SHARED_TABLES } from '../../../../src/platform/postgres/database.ts'
import type { Table } from '../../../../src/platform/postgres/table.ts'
import { createTestDatabase, type TestDatabase } from '../../../support/test-database.ts'

const TABLES: readonly Table[] = [...SHARED_TABLES, ...ENDPOINTS.flatMap(({ tables }) => tables)]

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

describe('the table descriptors', () => {
  it('describe every table of the migrated database, and no other', async () => {
    const { rows } = await sql<{ name: string }>`
      select relname as name from pg_catalog.pg_class
      where relnamespace = 'identifai'::regnamespace and relkind = 'r' and relname not like 'schema_migrations%'`.execute(
      database.db,
    )
    expect(rows.map(({ name }) => name).toSorted()).toEqual(TABLES.map(({ name }) => name).toSorted())
  })

  it.each(TABLES)('$name has the columns of the database, in their order, of their types', async (table) => {
    const { rows } = await sql<{ name: string; declaration: string }>`
      select attname as name, format_type(atttypid, atttypmod) || case when attnotnull then ' not null' else '' end
        || case when atthasdef or attidentity <> '' then ' default' else '' end as declaration
      from pg_catalog.pg_attribute
      where attrelid = ${`identifai.${table.name}`}::regclass and attnum > 0 and not attisdropped
      order by attnum`.execute(database.db)
    const spelled = rows.map(({ name, declaration }) => [
      name,
      declaration.replace('timestamp with time zone', 'timestamptz'),
    ])
    expect(Object.entries(table.columns).map(([name, column]) => [name, [column].flat()[0]])).toEqual(spelled)
  })

  it('allow the values that the database checks', async () => {
    const { rows } = await sql<{ table: string; column: string; definition: string }>`
      select c.relname as table, a.attname as column, pg_get_constraintdef(k.oid) as definition
      from pg_catalog.pg_constraint as k
      join pg_catalog.pg_class as c on c.oid = k.conrelid
      join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum = k.conkey[1]
      where c.relnamespace = 'identifai'::regnamespace and k.contype = 'c' and cardinality(k.conkey) = 1
        and pg_get_constraintdef(k.oid) like '%= ANY (ARRAY[%'`.execute(database.db)
    expect(rows.length).toBeGreaterThan(5)
    for (const { table, column, definition } of rows) {
      const checked = [...definition.matchAll(/'([^']+)'::text/g)].map(([, value]) => value)
      const described = TABLES.find(({ name }) => name === table)?.columns[column]
      if (Array.isArray(described))
        expect({ table, column, values: described[1] }).toEqual({ table, column, values: checked })
      else expect(['clips_path', 'forced_to']).toContain(column)
    }
  })

  it('name the columns of the primary key after classification_id as the order of the rows', async () => {
    for (const { name, order } of ENDPOINTS.flatMap(({ tables }) => tables)) {
      const { rows } = await sql<{ column: string }>`
        select a.attname as column from pg_catalog.pg_index as i
        cross join lateral unnest(i.indkey) with ordinality as key (attnum, position)
        join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = key.attnum
        where i.indrelid = ${`identifai.${name}`}::regclass and i.indisprimary order by key.position`.execute(
        database.db,
      )
      expect(['classification_id', ...order]).toEqual(rows.map(({ column }) => column))
    }
  })
})
