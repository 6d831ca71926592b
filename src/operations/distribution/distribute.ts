import { type Kysely, sql } from 'kysely'
import { DATA_TABLES } from '../media/registry.ts'
import { DatabaseError } from '../platform/errors.ts'
import { distributedTables, hasCitus } from '../platform/postgres/citus.ts'
import type { Database } from '../platform/postgres/database.ts'

/** Returns the statements that still distribute the data tables, parents first; none when they are distributed. */
export async function planDistribution(db: Kysely<Database>): Promise<string[]> {
  const distributed = await distributedTables(db)
  const names = DATA_TABLES.map(({ name }) => name)
  const tables = names.filter((name) => !distributed.includes(name))
  const triggers = await triggersOf(db, tables)
  return [
    ...triggers.map(({ table, trigger }) => `DROP TRIGGER ${trigger} ON identifai.${table}`),
    ...tables.map((table) => {
      const colocation = table === names[0] ? 'default' : `identifai.${names[0]}`
      return `SELECT create_distributed_table('identifai.${table}', 'classification_id', colocate_with => '${colocation}')`
    }),
  ]
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
      'The database does not have the extension citus.',
      'Run distribute on the coordinator of a Citus cluster, after CREATE EXTENSION citus. A single server does not need it.',
    )
  }
  const statements = await planDistribution(db)
  await db.transaction().execute(async (trx) => {
    for (const statement of statements) await sql.raw(statement).execute(trx)
  })
  return statements
}

/**
 * Triggers of the tables that are to be distributed. Citus refuses triggers on distributed tables. From then on, privileges
 * alone keep history append-only; the role of the job has none to change it.
 */
async function triggersOf(db: Kysely<Database>, tables: readonly string[]) {
  const { rows } = await sql<{ table: string; trigger: string }>`
    select c.relname as "table", quote_ident(t.tgname) as trigger
    from pg_catalog.pg_trigger as t
    join pg_catalog.pg_class as c on c.oid = t.tgrelid
    where c.relnamespace = 'identifai'::regnamespace and c.relname = any(${tables}::text[]) and not t.tgisinternal
    order by 1, 2`.execute(db)
  return rows
}
