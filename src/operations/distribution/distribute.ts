import { type Kysely, sql } from 'kysely'
import { DATA_TABLE_NAMES } from '../../media/registry.ts'
import { distributedTables } from '../../platform/postgres/citus.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { readDefinitions } from '../../platform/postgres/definitions.ts'
import { findProblems, type Target } from './find-problems.ts'
import { type Cluster, readCluster } from './read-cluster.ts'
import { grantsForReaders, revokesFromReaders } from './reader-grants.ts'

/** The statements that move the data tables, what they move, and the problems that prevent it. */
export interface Plan {
  /** Undefined on a server without Citus. */
  readonly cluster: Cluster | undefined
  readonly problems: readonly Error[]
  /** None when the tables are where they are to be. */
  readonly statements: readonly string[]
}

/** Plans a move of the data tables, and executes nothing. */
export async function planMove(db: Kysely<Database>, target: Target): Promise<Plan> {
  const cluster = await readCluster(db)
  return {
    cluster,
    problems: await findProblems(db, cluster, target),
    statements: await STATEMENTS[target](db),
  }
}

/**
 * Moves the data tables in one transaction, during which no run can start. Distributed over the workers of a Citus cluster, all
 * rows of a classification are on one node. The queue, runs, chain and notes stay on the coordinator.
 *
 * @returns The executed statements.
 * @throws DatabaseError when a problem prevents it; nothing is changed then.
 */
export async function move(db: Kysely<Database>, target: Target): Promise<readonly string[]> {
  return db.transaction().execute(async (trx) => {
    await sql`lock table identifai.sync_runs in share row exclusive mode`.execute(trx)
    const { problems, statements } = await planMove(trx, target)
    if (problems[0]) throw problems[0]
    for (const statement of statements) await sql.raw(statement).execute(trx)
    return statements
  })
}

const STATEMENTS: Readonly<Record<Target, (db: Kysely<Database>) => Promise<string[]>>> = {
  /** Distributes the tables that are not yet, parents first. Citus refuses triggers on distributed tables. */
  workers: async (db) => {
    const distributed = await distributedTables(db)
    const tables = DATA_TABLE_NAMES.filter((name) => !distributed.includes(name))
    return [
      ...(await dropTriggers(db, tables)),
      ...tables.map(
        (table) =>
          `SELECT create_distributed_table('identifai.${table}', 'classification_id', colocate_with => '${colocation(table)}')`,
      ),
      // Without this, the coordinator keeps the copied rows. No query sees them, and redact does not remove them.
      ...(await parentsAmong(db, tables)).map(
        (table) => `SELECT truncate_local_data_after_distributing_table('identifai.${table}')`,
      ),
      ...(await grantsForReaders(db)),
    ]
  },
  /** Moves the tables back, and restores what Citus drops with them: triggers, comments, and grants on views. */
  coordinator: async (db) => {
    const distributed = (await distributedTables(db)).filter((name) => DATA_TABLE_NAMES.includes(name))
    return [
      ...(await parentsAmong(db, distributed)).map(
        (table) => `SELECT undistribute_table('identifai.${table}', cascade_via_foreign_keys => true)`,
      ),
      ...(await missingTriggers(db)),
      ...(distributed.length > 0
        ? [...(await commentsAndGrants(db)), ...(await revokesFromReaders(db))]
        : []),
    ]
  },
}

function colocation(table: string): string {
  return table === DATA_TABLE_NAMES[0] ? 'default' : `identifai.${DATA_TABLE_NAMES[0]}`
}

async function dropTriggers(db: Kysely<Database>, tables: readonly string[]): Promise<string[]> {
  const triggers = await readTriggers(db)
  return triggers
    .filter(({ table }) => tables.includes(table))
    .map(({ table, trigger }) => `DROP TRIGGER ${trigger} ON identifai.${table}`)
}

/** The statements of triggers on data tables that are missing. A dump of a distributed database has none of them. */
export async function missingTriggers(db: Kysely<Database>): Promise<string[]> {
  const present = await readTriggers(db)
  const definitions = await readDefinitions()
  return definitions
    .filter(
      ({ kind, name, table = '' }) =>
        kind === 'trigger' && DATA_TABLE_NAMES.includes(table) && !isAmong(present, name),
    )
    .map(({ statement }) => statement.trim())
}

function isAmong(triggers: Awaited<ReturnType<typeof readTriggers>>, name: string): boolean {
  return triggers.some(({ trigger }) => trigger === name)
}

async function readTriggers(db: Kysely<Database>) {
  const { rows } = await sql<{ table: string; trigger: string }>`
    select c.relname as "table", quote_ident(t.tgname) as trigger
    from pg_catalog.pg_trigger as t
    join pg_catalog.pg_class as c on c.oid = t.tgrelid
    where c.relnamespace = 'identifai'::regnamespace and c.relname = any(${DATA_TABLE_NAMES}::text[]) and not t.tgisinternal
    order by 1, 2`.execute(db)
  return rows
}

/** Those of these tables that refer to none of the others. Citus moves the others with them. */
async function parentsAmong(db: Kysely<Database>, tables: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ child: string }>`
    select conrelid::regclass::text as child from pg_catalog.pg_constraint
    where contype = 'f' and conrelid <> confrelid and connamespace = 'identifai'::regnamespace`.execute(db)
  const children = rows.map(({ child }) => child)
  return tables.filter((name) => !children.includes(`identifai.${name}`))
}

/** The comments on the data tables and on all views of them, in any schema, and the grants on these views. */
export async function commentsAndGrants(db: Kysely<Database>): Promise<string[]> {
  const { rows } = await sql<{ statement: string }>`
    with recursive moved as (
      select c.oid from pg_catalog.pg_class as c
      where c.relnamespace = 'identifai'::regnamespace and c.relname = any(${DATA_TABLE_NAMES}::text[])
      union
      select r.ev_class from moved
      join pg_catalog.pg_depend as d on d.refclassid = 'pg_class'::regclass and d.refobjid = moved.oid
        and d.classid = 'pg_rewrite'::regclass
      join pg_catalog.pg_rewrite as r on r.oid = d.objid
    ), relations as (
      select c.oid, c.relkind, c.relacl, c.relowner, format('%I.%I', s.nspname, c.relname) as name
      from moved join pg_catalog.pg_class as c on c.oid = moved.oid
      join pg_catalog.pg_namespace as s on s.oid = c.relnamespace
    ), held as (
      select name, '' as columns, relacl as acl, relowner from relations where relkind = 'v'
      union all
      select r.name, format(' (%I)', a.attname), a.attacl, r.relowner
      from relations as r join pg_catalog.pg_attribute as a on a.attrelid = r.oid where r.relkind = 'v'
    )
    select case when d.objsubid > 0 then format('COMMENT ON COLUMN %s.%I IS %L', r.name, a.attname, d.description)
      else format('COMMENT ON %s %s IS %L', case r.relkind when 'v' then 'VIEW' else 'TABLE' end, r.name, d.description)
      end as statement
    from relations as r
    join pg_catalog.pg_description as d on d.classoid = 'pg_class'::regclass and d.objoid = r.oid
    left join pg_catalog.pg_attribute as a on a.attrelid = r.oid and a.attnum = d.objsubid
    union all
    select format('GRANT %s%s ON %s TO %s', g.privilege_type, h.columns, h.name,
      case g.grantee when 0 then 'PUBLIC' else quote_ident(pg_get_userbyid(g.grantee)) end)
      || case when g.is_grantable then ' WITH GRANT OPTION' else '' end
    from held as h, aclexplode(h.acl) as g where g.grantee <> h.relowner
    order by 1`.execute(db)
  return rows.map(({ statement }) => statement)
}
