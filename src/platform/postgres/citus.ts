import { setTimeout as sleep } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import { DatabaseError } from '../errors.ts'
import type { Database } from './database.ts'

/** Returns true on a server with Citus. */
export async function hasCitus(db: Kysely<Database>): Promise<boolean> {
  const { rows } = await sql`select from pg_catalog.pg_extension where extname = 'citus'`.execute(db)
  return rows.length > 0
}

/** The tables that Citus has distributed; none without it. */
export async function distributedTables(db: Kysely<Database>): Promise<string[]> {
  if (!(await hasCitus(db))) return []
  const { rows } = await sql<{ name: string }>`
    select c.relname as name from pg_catalog.pg_dist_partition as p
    join pg_catalog.pg_class as c on c.oid = p.logicalrelid
    where c.relnamespace = 'identifai'::regnamespace and p.partmethod = 'h'`.execute(db)
  return rows.map(({ name }) => name)
}

/**
 * Executes a query of one value on every worker, as the current role. Returns the values by node, as text.
 *
 * @throws DatabaseError when one of the workers cannot execute it.
 */
export async function onWorkers(db: Kysely<Database>, query: string): Promise<ReadonlyMap<string, string>> {
  const { rows } = await sql<{ node: string; success: boolean; result: string }>`
    select nodename || ':' || nodeport as node, success, result
    from pg_catalog.run_command_on_workers(${query})`.execute(db)
  const failed = rows.find(({ success }) => !success)
  if (failed) {
    throw new DatabaseError(
      `The worker ${failed.node} did not execute a query (${failed.result.trim()}).`,
      'Check that the worker is up, and that the coordinator can connect to it as this role.',
    )
  }
  return new Map(rows.map(({ node, result }) => [node, result]))
}

/** Transactions that the workers have prepared, but not committed yet. Their names begin with that of Citus. */
const PREPARED = `select coalesce(string_agg(gid, ' '), '') from pg_catalog.pg_prepared_xacts
  where database = current_database() and gid like 'citus\\_%'`

/** The daemon of Citus ends the transactions of a worker that was down within a minute of its return. */
const WAIT_MS = 180_000

/**
 * Waits until the workers have committed every transaction that is visible on the coordinator, which commits first. If a
 * worker fails in between, it has prepared its part, and commits it after its return. Until then, no query has these rows.
 *
 * @throws DatabaseError when a transaction stays prepared for minutes.
 */
export async function waitForWorkers(db: Kysely<Database>): Promise<void> {
  if ((await distributedTables(db)).length === 0) return
  const readPrepared = async () =>
    [...(await onWorkers(db, PREPARED))].flatMap(([node, gids]) =>
      gids.split(' ').flatMap((gid) => (gid === '' ? [] : `${gid} on ${node}`)),
    )
  const until = performance.now() + WAIT_MS
  for (let pending = await readPrepared(); pending.length > 0; ) {
    if (performance.now() > until) {
      throw new DatabaseError(
        `Workers have prepared transactions, and did not end them in ${WAIT_MS / 60_000} minutes: ${pending.join(', ')}.`,
        'Execute SELECT recover_prepared_transactions() on the coordinator as a superuser. It has the reason if it cannot end them.',
      )
    }
    await sleep(100)
    const left = new Set(await readPrepared())
    pending = pending.filter((one) => left.has(one))
  }
}
