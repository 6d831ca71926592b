import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { connect } from '../../src/platform/postgres/connect.ts'
import { databaseOn } from './database-on.ts'
import { onServer } from './on-server.ts'

/** The addresses of the workers of the cluster with this coordinator, with the same database and role. */
export async function readWorkers(coordinatorUrl: string): Promise<string[]> {
  const { db } = connect({ connectionString: coordinatorUrl, maxConnections: 1 })
  const { rows } = await sql<{ host: string; port: number }>`
    select node_name as host, node_port as port from citus_get_active_worker_nodes() order by 1, 2`.execute(
    db,
  )
  await db.destroy()
  return rows.map(({ host, port }) => {
    const url = new URL(coordinatorUrl)
    url.hostname = host
    url.port = String(port)
    return url.href
  })
}

/** Creates a database on every node of a cluster, which is a cluster of its own. Returns its address on the coordinator. */
export async function createClusterDatabase(
  coordinatorUrl: string,
  workerUrls: readonly string[],
  name: string,
): Promise<string> {
  for (const node of [coordinatorUrl, ...workerUrls]) {
    await onServer(node, `create database ${name}`)
    await onServer(databaseOn(node, name), 'create extension citus')
  }
  const url = databaseOn(coordinatorUrl, name)
  const { db } = connect({ connectionString: url, maxConnections: 1 })
  const { hostname, port } = new URL(coordinatorUrl)
  await sql`select pg_catalog.citus_set_coordinator_host(${hostname}, ${Number(port)})`.execute(db)
  for (const worker of workerUrls.map((one) => new URL(one))) {
    await sql`select pg_catalog.citus_add_node(${worker.hostname}, ${Number(worker.port)})`.execute(db)
  }
  await db.destroy()
  return url
}

/** Drops a database on some servers. */
export async function dropClusterDatabase(nodes: readonly string[], name: string): Promise<void> {
  for (const node of nodes) {
    // The daemon of Citus connects again, although no other client can.
    await onServer(node, `alter database ${name} allow_connections false`)
    for (let tries = 1; !(await tryToDrop(node, name, tries)); tries++) await sleep(50)
  }
}

async function tryToDrop(node: string, name: string, tries: number): Promise<boolean> {
  try {
    await onServer(node, `drop database ${name} with (force)`)
    return true
  } catch (error) {
    if ((error as { code?: unknown }).code !== OBJECT_IN_USE || tries === MAX_TRIES) throw error
    return false
  }
}

const MAX_TRIES = 40

/** SQLSTATE object_in_use. */
const OBJECT_IN_USE = '55006'
