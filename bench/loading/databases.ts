import { sql } from 'kysely'
import { type Connection, connect } from '../../src/platform/postgres/connect.ts'
import { DATA_TABLES } from '../../src/media/registry.ts'
import { migrateUp } from '../../src/platform/postgres/migrate.ts'
import type { EmbeddedPostgres } from '../../src/devkit/embedded-postgres/start-embedded-postgres.ts'

/** A database of the benchmark, with all tables. Disposal drops it. */
export interface BenchDatabase extends Connection, AsyncDisposable {
  readonly name: string
  readonly url: string
}

/** Creates a migrated database in which this number of identifiers is due. */
export async function createBenchDatabase(
  postgres: EmbeddedPostgres,
  identifiers: number,
): Promise<BenchDatabase> {
  const database = await createDatabase(postgres)
  await migrateUp(database.db)
  await sql`
    insert into identifai.identifiers (identifier)
    select encode(sha256(n::text::bytea), 'hex') from generate_series(1, ${identifiers}::integer) as n`.execute(
    database.db,
  )
  await database.pool.query('vacuum analyze identifai.identifiers')
  // A checkpoint keeps the writes of the setup out of the measurement.
  await sql`checkpoint`.execute(database.db)
  return database
}

/** A database to copy, because creating a large one takes minutes. */
export interface Template extends AsyncDisposable {
  copy(): Promise<BenchDatabase>
}

export async function createTemplate(
  postgres: EmbeddedPostgres,
  identifiers: number,
  prepare: (database: BenchDatabase) => Promise<unknown> = async () => {},
): Promise<Template> {
  const template = await createBenchDatabase(postgres, identifiers)
  await prepare(template)
  // PostgreSQL copies a database only while no session is connected to it.
  await template.db.destroy()
  const from = `template ${template.name} strategy file_copy`
  return {
    copy: () => createDatabase(postgres, from),
    [Symbol.asyncDispose]: () => template[Symbol.asyncDispose](),
  }
}

/** @param clauses Clauses of CREATE DATABASE. */
async function createDatabase(postgres: EmbeddedPostgres, clauses = ''): Promise<BenchDatabase> {
  const name = `bench_${++created}`
  await asAdmin(postgres, `create database ${name} ${clauses}`)
  const url = postgres.url(name)
  const connection = connect({ connectionString: url, maxConnections: 8 })
  return {
    ...connection,
    name,
    url,
    [Symbol.asyncDispose]: async () => {
      await connection.db.destroy()
      await asAdmin(postgres, `drop database ${name} with (force)`)
    },
  }
}

/** Makes all identifiers due, as before the next nightly run and after autovacuum. */
export async function makeDue({ db, pool }: BenchDatabase): Promise<void> {
  await sql`update identifai.identifiers set due_at = now()`.execute(db)
  await pool.query('vacuum analyze identifai.identifiers')
}

/** Drops every key, foreign key and index of the data tables. */
export async function dropKeys({ db }: BenchDatabase): Promise<void> {
  const { rows } = await sql<{ statement: string }>`
    with data as (select oid from pg_catalog.pg_class where oid = any(${DATA_TABLES.map(({ name }) => `identifai.${name}`)}::regclass[]))
    select statement from (
      select 1 as step, format('alter table %s drop constraint %I', conrelid::regclass, conname) as statement
      from pg_catalog.pg_constraint where conrelid in (select oid from data) and contype = 'f'
      union all
      select 2, format('alter table %s drop constraint %I', conrelid::regclass, conname)
      from pg_catalog.pg_constraint where conrelid in (select oid from data) and contype in ('p', 'u')
      union all
      select 3, format('drop index if exists %s', indexrelid::regclass)
      from pg_catalog.pg_index where indrelid in (select oid from data) and not exists (
        select from pg_catalog.pg_constraint where conindid = indexrelid)) as steps
    order by step`.execute(db)
  for (const { statement } of rows) await sql.raw(statement).execute(db)
}

let created = 0

/** Executes a statement that is refused within a transaction. */
async function asAdmin(postgres: EmbeddedPostgres, statement: string): Promise<void> {
  const { db, pool } = connect({ connectionString: postgres.url(), maxConnections: 1 })
  try {
    await pool.query(statement)
  } finally {
    await db.destroy()
  }
}
