import { type Kysely, sql } from 'kysely'
import { DatabaseError } from '../errors.ts'
import { DATA_TABLES } from './data-tables.ts'
import type { Database } from './database.ts'

/** A trigger of one of the data tables. */
interface TableTrigger {
  readonly table: string
  readonly trigger: string
}

/** What is still to be done until the data tables are distributed; nothing when they are. */
export async function planDistribution(db: Kysely<Database>): Promise<string[]> {
  const distributed = (await hasCitus(db)) ? await distributedTables(db) : []
  const tables = DATA_TABLES.filter((table) => !distributed.includes(`identifai.${table}`))
  return distributionStatements(tables, await triggersOf(db, tables))
}

/**
 * Distributes the data tables over the workers of a Citus cluster, by classification, in one transaction: what belongs to
 * one classification is on one node. The ledger, runs, chain and notes stay on the coordinator.
 *
 * @returns The statements that it ran.
 * @throws DatabaseError on a server without Citus; nothing is changed then.
 */
export async function distribute(db: Kysely<Database>): Promise<string[]> {
  if (!(await hasCitus(db))) {
    throw new DatabaseError(
      'This database has no Citus: distribute is for the coordinator of a Citus cluster, after CREATE EXTENSION citus. One server needs nothing of the kind',
    )
  }
  const statements = await planDistribution(db)
  await db.transaction().execute(async (trx) => {
    for (const statement of statements) await sql.raw(statement).execute(trx)
  })
  return statements
}

/**
 * Parents first, their children beside them. Citus refuses triggers on distributed tables: that history is only added to is
 * held by privileges then, which the role of passes lacks in any case.
 */
function distributionStatements(tables: readonly string[], triggers: readonly TableTrigger[]): string[] {
  return [
    ...triggers.map(({ table, trigger }) => `DROP TRIGGER ${trigger} ON identifai.${table}`),
    ...tables.map((table) => {
      const beside = table === DATA_TABLES[0] ? 'default' : `identifai.${DATA_TABLES[0]}`
      return `SELECT create_distributed_table('identifai.${table}', 'classification_id', colocate_with => '${beside}')`
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
