import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { DatabaseError } from '../../../../src/platform/errors.ts'
import { connect } from '../../../../src/platform/postgres/connect.ts'
import {
  assertMigrated,
  countHistory,
  MIGRATIONS,
  migrateDown,
  migrateUp,
  migrationStates,
} from '../../../../src/platform/postgres/migrate.ts'
import { EVIDENCE_INSERTS } from '../../../support/evidence-inserts.ts'
import { sealHistory } from '../../../support/seal-history.ts'
import { createTestDatabase, type TestDatabase } from '../../../support/test-database.ts'

const names = (steps: readonly { readonly name: string }[]) => steps.map(({ name }) => name)

describe('migrations', () => {
  it('go up, down one by one, and up again to the same schema', async () => {
    await using database = await createTestDatabase('empty')
    const { db } = database
    expect(names(await migrateUp(db))).toEqual(MIGRATIONS)
    const [schema, objects] = [await readSchema(database), await readObjects(database)]
    for (const name of MIGRATIONS.toReversed()) {
      expect(await migrateDown(db, false)).toEqual([{ name, direction: 'Down' }])
      const states = await migrationStates(db)
      expect(states.filter(({ applied_at }) => applied_at)).toHaveLength(MIGRATIONS.indexOf(name))
      if (name !== MIGRATIONS[0]) await expect(assertMigrated(db)).rejects.toThrow(lacking(states))
    }
    const remaining = [...(await readSchema(database)), ...(await readObjects(database))]
    expect(remaining.filter((line) => !line.includes('schema_migrations'))).toEqual([
      'schema identifai',
      'pg_namespace: schema identifai',
    ])
    expect(await migrateDown(db, false)).toEqual([])
    expect(names(await migrateUp(db))).toEqual(MIGRATIONS)
    expect(await readSchema(database)).toEqual(schema)
    expect(await readObjects(database)).toEqual(objects)
    expect(names(await migrateDown(db, true))).toEqual(MIGRATIONS.toReversed())
  })

  it('can be started by two processes at the same time', async () => {
    await using database = await createTestDatabase('empty')
    const other = connect({ connectionString: database.url, maxConnections: 2 })
    const steps = await Promise.all([migrateUp(database.db), migrateUp(other.db)])
    await other.db.destroy()
    expect(steps.map((list) => list.length).toSorted((a, b) => a - b)).toEqual([0, MIGRATIONS.length])
  })
})

describe('the state of the migrations', () => {
  it('of a database that was never migrated is that none is applied, and nothing is written', async () => {
    await using database = await createTestDatabase('empty')
    const states = await migrationStates(database.db)
    expect(states).toEqual(MIGRATIONS.map((name) => ({ name, applied_at: null })))
    await expect(assertMigrated(database.db)).rejects.toThrow(DatabaseError)
    await expect(assertMigrated(database.db)).rejects.toThrow(lacking(states))
    expect([...(await readSchema(database)), ...(await readObjects(database))]).toEqual([])
    await sql`create schema identifai`.execute(database.db)
    expect((await migrationStates(database.db)).every(({ applied_at }) => applied_at === null)).toBe(true)
  })

  it('has the time of each migration', async () => {
    await using database = await createTestDatabase('empty')
    const before = Date.now()
    await migrateUp(database.db)
    const states = await migrationStates(database.db)
    expect(names(states)).toEqual(MIGRATIONS)
    for (const { applied_at } of states) {
      expect(Number(applied_at)).toBeGreaterThanOrEqual(before)
      expect(Number(applied_at)).toBeLessThanOrEqual(Date.now())
    }
    await assertMigrated(database.db)
    expect(await migrateUp(database.db)).toEqual([])
  })

  it('of a newer database lists the known migrations; every use is refused', async () => {
    await using database = await createTestDatabase()
    const { db } = database
    await sql`insert into identifai.schema_migrations (name, timestamp) values ('9999-later', ${new Date().toISOString()})`.execute(
      db,
    )
    expect(names(await migrationStates(db))).toEqual(MIGRATIONS)
    for (const use of [assertMigrated, migrateUp]) {
      await expect(use(db)).rejects.toThrow(DatabaseError)
      await expect(use(db)).rejects.toThrow('migrated by a newer identifai-sync (9999-later)')
    }
  })

  it('counts the records that the API does not return again', async () => {
    await using database = await createTestDatabase()
    const { db } = database
    expect(await countHistory(db)).toBe(0)
    for (const insert of EVIDENCE_INSERTS) await sql.raw(insert).execute(db)
    await sealHistory(db, [
      { classification_id: 1, revision_no: 1, observed_at: new Date(), causes: ['first_seen'] },
    ])
    expect(await countHistory(db)).toBe(4)
  })

  it('is read beside sessions that create and drop tables', async () => {
    await using database = await createTestDatabase()
    const stop = new AbortController()
    const others = [1, 2].map((n) => createAndDropTables(database, n, stop.signal))
    try {
      for (let check = 0; check < 200; check++) await assertMigrated(database.db)
    } finally {
      stop.abort()
      await Promise.all(others)
    }
  })
})

function lacking(states: readonly { readonly applied_at: Date | null }[]): string {
  const missing = states.filter(({ applied_at }) => applied_at === null).length
  return `The database lacks ${missing} of ${MIGRATIONS.length} migrations. Run: identifai-sync migrate`
}

async function createAndDropTables({ url }: TestDatabase, session: number, stop: AbortSignal): Promise<void> {
  const { db } = connect({ connectionString: url, maxConnections: 1 })
  const table = sql.table(`public.churn_${session}`)
  while (!stop.aborted) {
    await sql`create table ${table} (a integer, b text)`.execute(db)
    await sql`drop table ${table}`.execute(db)
  }
  await db.destroy()
}

/** Every object of any kind and schema that PostgreSQL itself does not have, with its catalog, and every setting of the database. */
async function readObjects({ db }: TestDatabase): Promise<string[]> {
  // The names of a few objects have numbers that differ each time. Those objects belong to others.
  const { rows: catalogs } = await sql<{ name: string }>`
    select c.relname as name from pg_class as c join pg_attribute as a on a.attrelid = c.oid and a.attname = 'oid'
    where c.relnamespace = 'pg_catalog'::regnamespace and c.relkind = 'r' and not c.relisshared
      and c.relname <> 'pg_enum'`.execute(db)
  const queries = catalogs.map(
    ({ name }) => `
      select '${name}: ' || o.type || ' ' || o.identity as line
      from ${name} as c, pg_identify_object('${name}'::regclass, c.oid, 0) as o
      where c.oid >= 16384 and o.identity !~ 'pg_toast|RI_ConstraintTrigger'`,
  )
  const { rows } = await sql
    .raw<{ line: string }>(`${queries.join(' union all ')}
    union all select 'setting ' || unnest(setconfig) from pg_db_role_setting as s
      join pg_database as d on d.oid = s.setdatabase where d.datname = current_database()
    order by line`)
    .execute(db)
  return rows.map(({ line }) => line)
}

/** Everything in the schemas of the product, one line each, with its definition and comment. */
async function readSchema({ db }: TestDatabase): Promise<string[]> {
  const { rows } = await sql<{ line: string }>`
    with ours as (select oid, nspname from pg_namespace where nspname like 'identifai%')
    select 'schema ' || nspname || coalesce(' ' || obj_description(oid), '') as line from ours
    union all
    select concat_ws(' ', 'relation', c.relkind, s.nspname, c.relname, c.relacl, obj_description(c.oid),
      case c.relkind when 'v' then pg_get_viewdef(c.oid) when 'i' then pg_get_indexdef(c.oid) end)
    from pg_class as c join ours as s on s.oid = c.relnamespace
    union all
    select concat_ws(' ', 'column', c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
      pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum))
    from pg_class as c join ours as s on s.oid = c.relnamespace
    join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef as d on d.adrelid = c.oid and d.adnum = a.attnum
    union all
    select concat_ws(' ', 'constraint', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid))
    from pg_constraint as k join ours as s on s.oid = k.connamespace
    union all
    select concat_ws(' ', 'trigger', pg_get_triggerdef(t.oid)) from pg_trigger as t
    join pg_class as c on c.oid = t.tgrelid join ours as s on s.oid = c.relnamespace where not t.tgisinternal
    union all
    select concat_ws(' ', 'function', p.oid::regprocedure, p.prosrc, pg_get_function_sqlbody(p.oid), p.proacl,
      obj_description(p.oid))
    from pg_proc as p join ours as s on s.oid = p.pronamespace
    union all
    select concat_ws(' ', 'type', t.oid::regtype, obj_description(t.oid)) from pg_type as t
    join ours as s on s.oid = t.typnamespace where t.typrelid = 0 and t.typelem = 0 or t.typname = 'decision'
    order by line`.execute(db)
  return rows.map(({ line }) => line)
}
