import { type Kysely, sql } from 'kysely'
import { expect, it } from 'vitest'
import { verifyDefinitions } from '../../../../src/compliance/verify/verify-definitions.ts'
import { connect } from '../../../../src/platform/postgres/connect.ts'
import type { Database } from '../../../../src/platform/postgres/database.ts'
import { createTestDatabase } from '../../../support/test-database.ts'

const run = async (db: Kysely<Database>, ...statements: readonly string[]) => {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

async function findingsAfter(...statements: readonly string[]): Promise<string[]> {
  await using own = await createTestDatabase()
  await run(own.db, ...statements)
  const result = await verifyDefinitions(own.db)
  if (result === null) throw new Error('nothing was compared')
  return result.findings.map(({ what, problem }) => `${what} ${problem}`)
}

/** Every view, function, aggregate and trigger of the two schemas: its name, and a statement that alters it. */
async function readAlterations(db: Kysely<Database>) {
  const { rows } = await sql<{ name: string; alter: string }>`
    with schemas as (select oid, nspname from pg_namespace where nspname in ('identifai', 'identifai_reporting'))
    select format('view %I.%I', s.nspname, c.relname) as name,
      format('alter view %I.%I rename column %I to renamed', s.nspname, c.relname, a.attname) as alter
    from pg_class as c join schemas as s on s.oid = c.relnamespace
    join pg_attribute as a on a.attrelid = c.oid and a.attnum = 1
    where c.relkind in ('v', 'm')
    union all
    select format('function %I.%I', s.nspname, p.proname), format('alter function %s cost 77', p.oid::regprocedure)
    from pg_proc as p join schemas as s on s.oid = p.pronamespace where p.prokind <> 'a'
    union all
    select format('aggregate %I.%I', s.nspname, p.proname),
      format('create or replace aggregate %I.%I (not_before timestamptz, not_after timestamptz) (
        sfunc = %s, stype = %s, initcond = ''(7,-infinity)'', parallel = safe)',
        s.nspname, p.proname, a.aggtransfn, a.aggtranstype::regtype)
    from pg_proc as p join schemas as s on s.oid = p.pronamespace join pg_aggregate as a on a.aggfnoid = p.oid
    union all
    select format('trigger %I on %s', t.tgname, t.tgrelid::regclass),
      format('alter table %s disable trigger %I', t.tgrelid::regclass, t.tgname)
    from pg_trigger as t join pg_class as c on c.oid = t.tgrelid join schemas as s on s.oid = c.relnamespace
    where not t.tgisinternal`.execute(db)
  return rows
}

it('finds no difference after the migrations, and names each view, function, aggregate and trigger that is altered', async () => {
  await using own = await createTestDatabase()
  const alterations = await readAlterations(own.db)
  expect(await verifyDefinitions(own.db)).toEqual({ checked: alterations.length, findings: [] })
  await run(own.db, ...alterations.map(({ alter }) => alter))
  const result = await verifyDefinitions(own.db)
  expect(result?.findings.map(({ what }) => what).toSorted()).toEqual(
    alterations.map(({ name }) => name).toSorted(),
  )
})

it('finds no difference after a restore, which creates views and functions from their printed definitions', async () => {
  const printed = await printedDefinitions()
  expect(printed.length).toBeGreaterThan(20)
  expect(await findingsAfter(...printed)).toEqual([])
})

async function printedDefinitions(): Promise<string[]> {
  await using own = await createTestDatabase()
  const { rows } = await sql<{ statement: string }>`
    select format('create or replace view %s as %s', oid::regclass, pg_get_viewdef(oid)) as statement
    from pg_class where relkind = 'v' and relnamespace = 'identifai_reporting'::regnamespace
    union all
    select pg_get_functiondef(oid) from pg_proc where prokind = 'f' and pronamespace = 'identifai'::regnamespace`.execute(
    own.db,
  )
  return rows.map(({ statement }) => statement)
}

it.each([
  [
    'a replaced view',
    `do $$ begin
       execute 'create or replace view identifai_reporting.verdicts as '
         || rtrim(pg_get_viewdef('identifai_reporting.verdicts'::regclass), ';') || ' limit 5';
     end $$`,
    'view identifai_reporting.verdicts differs from that of the migrations',
  ],
  [
    'a dropped view',
    'drop view identifai_reporting.data_dictionary',
    'view identifai_reporting.data_dictionary is missing',
  ],
  [
    'a materialized view in place of a view',
    `do $$ begin
       execute 'create materialized view identifai_reporting.copy as '
         || pg_get_viewdef('identifai_reporting.sync_freshness'::regclass);
       drop view identifai_reporting.sync_freshness;
       alter materialized view identifai_reporting.copy rename to sync_freshness;
     end $$`,
    'view identifai_reporting.sync_freshness is missing',
  ],
  [
    'a view whose table lost a column',
    'alter table identifai.sync_runs rename column trigger to origin',
    'view identifai_reporting.sync_freshness cannot be created again, because an object that it uses was altered',
  ],
  [
    'a replaced function',
    `create or replace function identifai.refuse_history_change() returns trigger language plpgsql
     set search_path = pg_catalog, pg_temp as $$ begin return null; end $$`,
    'function identifai.refuse_history_change differs from that of the migrations',
  ],
  [
    'another function of the same name',
    `create function identifai.request_refresh(text) returns boolean language sql as 'select true'`,
    'function identifai.request_refresh differs from that of the migrations',
  ],
  [
    'a disabled trigger',
    'alter table identifai.sync_runs disable trigger sync_runs_sealed',
    'trigger sync_runs_sealed on identifai.sync_runs is disabled',
  ],
  [
    'a trigger that only a replica executes',
    'alter table identifai.chain_leaves enable replica trigger chain_leaves_append_only',
    'trigger chain_leaves_append_only on identifai.chain_leaves is disabled',
  ],
  [
    'a dropped trigger',
    'drop trigger classification_revisions_append_only on identifai.classification_revisions',
    'trigger classification_revisions_append_only on identifai.classification_revisions is missing',
  ],
  [
    'a trigger that another one replaces',
    `create or replace trigger classification_revisions_append_only before truncate on identifai.classification_revisions
     for each statement execute function identifai.refuse_history_change()`,
    'trigger classification_revisions_append_only on identifai.classification_revisions differs from that of the migrations',
  ],
  [
    'an added trigger',
    `create trigger falsify before insert on identifai.classification_revisions
     for each row execute function identifai.stamp_note()`,
    'trigger falsify on identifai.classification_revisions was added',
  ],
  [
    'an added trigger on a view, with the name of one on a table',
    `create trigger actions_append_only instead of insert on identifai_reporting.clips
     for each row execute function identifai.stamp_note()`,
    'trigger actions_append_only on identifai_reporting.clips was added',
  ],
  [
    'a rule that discards rows',
    'create rule discard as on insert to identifai.classification_revisions do instead nothing',
    'rule discard on identifai.classification_revisions was added',
  ],
  [
    'a policy that hides rows',
    'create policy hide on identifai.classifications using (false)',
    'policy hide on identifai.classifications was added',
  ],
])('names %s', async (_, statement, expected) => {
  expect(await findingsAfter(statement)).toContain(expected)
})

it('accepts a trigger that is always enabled, and changes nothing', async () => {
  await using own = await createTestDatabase()
  await run(own.db, 'alter table identifai.sync_runs enable always trigger sync_runs_sealed')
  expect(await verifyDefinitions(own.db)).toMatchObject({ findings: [] })
  const { rows } = await sql`select from pg_class where relpersistence = 't'`.execute(own.db)
  expect(rows).toEqual([])
})

it('compares nothing where the role may not create temporary objects, or the server accepts no writes', async () => {
  await using own = await createTestDatabase()
  const database = new URL(own.url).pathname.slice(1)
  const role = `auditor_of_${database}`
  await run(
    own.db,
    `create role ${role} login password 'p'`,
    `revoke temporary on database ${database} from public`,
  )
  try {
    const url = Object.assign(new URL(own.url), { username: role, password: 'p' })
    const { db } = connect({ connectionString: url.href, maxConnections: 1 })
    expect(await verifyDefinitions(db)).toBeNull()
    await db.destroy()
    await own.set('default_transaction_read_only', 'on')
    const other = connect({ connectionString: own.url, maxConnections: 1 })
    expect(await verifyDefinitions(other.db)).toBeNull()
    await other.db.destroy()
  } finally {
    await run(own.db, `drop owned by ${role}`, `drop role ${role}`)
  }
})
