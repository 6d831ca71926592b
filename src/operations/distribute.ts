import { type Kysely, sql } from 'kysely'
import { DATA_TABLES } from '../media/registry.ts'
import { DatabaseError } from '../platform/errors.ts'
import type { Database } from '../platform/postgres/database.ts'

/** A trigger of one of the data tables. */
interface TableTrigger {
  readonly table: string
  readonly trigger: string
}

/** Returns the statements that still distribute the data tables; none when they are distributed. */
export async function planDistribution(db: Kysely<Database>): Promise<string[]> {
  const distributed = (await hasCitus(db)) ? await distributedTables(db) : []
  const tables = DATA_TABLES.map(({ name }) => name).filter(
    (name) => !distributed.includes(`identifai.${name}`),
  )
  return distributionStatements(tables, await triggersOf(db, tables))
}

/**
 * Distributes the data tables over the workers of a Citus cluster, by classification, in one transaction: all rows of a
 * classification are on one node. The queue, runs, chain and notes stay on the coordinator.
 *
 * @returns The executed statements.
 * @throws DatabaseError on a server without Citus; nothing is changed then.
 */
export async function distribute(db: Kysely<Database>): Promise<string[]> {
  if (!(await hasCitus(db))) {
    throw new DatabaseError(
      'This database has no Citus: distribute is for the coordinator of a Citus cluster, after CREATE EXTENSION citus. A single server does not need it',
    )
  }
  const statements = await planDistribution(db)
  await db.transaction().execute(async (trx) => {
    for (const statement of statements) await sql.raw(statement).execute(trx)
  })
  return statements
}

/**
 * Parents first, their children colocated with them. Citus refuses triggers on distributed tables, so that only privileges
 * keep history append-only then; the role of the job does not have the others in any case.
 */
function distributionStatements(tables: readonly string[], triggers: readonly TableTrigger[]): string[] {
  const root = DATA_TABLES[0]?.name
  return [
    ...triggers.map(({ table, trigger }) => `DROP TRIGGER ${trigger} ON identifai.${table}`),
    ...tables.map((table) => {
      const colocation = table === root ? 'default' : `identifai.${root}`
      return `SELECT create_distributed_table('identifai.${table}', 'classification_id', colocate_with => '${colocation}')`
    }),
  ]
}

async function hasCitus(db: Kysely<Database>): Promise<boolean> {
  const { rows } = await sql`select from pg_catalog.pg_extension where extname = 'citus'`.execute(db)
  return rows.length > 0
}

async function distributedTables(db: Kysely<Database>): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select format('%s.%s', n.nspname, c.relname) as name
    from pg_catalog.pg_dist_partition as p
    join pg_catalog.pg_class as c on c.oid = p.logicalrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace`.execute(db)
  return rows.map(({ name }) => name)
}

async function triggersOf(db: Kysely<Database>, tables: readonly string[]): Promise<TableTrigger[]> {
  const { rows } = await sql<TableTrigger>`
    select c.relname as "table", quote_ident(t.tgname) as trigger
    from pg_catalog.pg_trigger as t
    join pg_catalog.pg_class as c on c.oid = t.tgrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = 'identifai' and c.relname = any(${tables}::text[]) and not t.tgisinternal
    order by 1, 2`.execute(db)
  return rows
}
