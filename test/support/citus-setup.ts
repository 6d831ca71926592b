import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import type { TestProject } from 'vitest/node'
import { move } from '../../src/operations/distribution/distribute.ts'
import { connect } from '../../src/platform/postgres/connect.ts'
import { migrateUp } from '../../src/platform/postgres/migrate.ts'
import { buildCommand } from './build-command.ts'
import { databaseOn } from './database-on.ts'
import { onServer } from './on-server.ts'

/** Prepares a Citus cluster (TEST_CITUS_URL leads to its coordinator) with a distributed, empty template on every node. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const built = buildCommand()
  const serverUrl = String(process.env.TEST_CITUS_URL)
  const workerUrls = await readWorkers(serverUrl)
  const nodes = [serverUrl, ...workerUrls]
  const template = `identifai_template_${randomBytes(4).toString('hex')}`
  for (const node of nodes) {
    await onServer(node, `create database ${template}`)
    await onServer(databaseOn(node, template), 'create extension citus')
  }
  const { db } = connect({ connectionString: databaseOn(serverUrl, template), maxConnections: 1 })
  const coordinator = new URL(serverUrl)
  await sql`select pg_catalog.citus_set_coordinator_host(${coordinator.hostname}, ${Number(coordinator.port)})`.execute(
    db,
  )
  for (const worker of workerUrls) {
    const { hostname, port } = new URL(worker)
    await sql`select pg_catalog.citus_add_node(${hostname}, ${Number(port)})`.execute(db)
  }
  await migrateUp(db)
  await move(db, 'workers')
  const { rows } = await sql<{ version: string }>`select citus_version() as version`.execute(db)
  await db.destroy()
  // The daemon of Citus connects to each database with the extension, and a database in use cannot be cloned.
  for (const node of nodes) {
    await onServer(node, `alter database ${template} allow_connections false`)
    await onServer(
      node,
      `select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = '${template}'`,
    )
  }
  console.log(`${rows[0]?.version}, ${workerUrls.length} workers (TEST_CITUS_URL)`)
  project.provide('serverUrl', serverUrl)
  project.provide('workerUrls', workerUrls)
  project.provide('templateClauses', `template ${template} strategy file_copy`)
  project.provide('builtCommand', built.command)
  return async () => {
    for (const node of nodes) await onServer(node, `drop database ${template}`)
    built[Symbol.dispose]()
  }
}

async function readWorkers(serverUrl: string): Promise<string[]> {
  const { db } = connect({ connectionString: serverUrl, maxConnections: 1 })
  const { rows } = await sql<{ name: string; port: number }>`
    select node_name as name, node_port as port from citus_get_active_worker_nodes()`.execute(db)
  await db.destroy()
  return rows.map(({ name, port }) => {
    const url = new URL(serverUrl)
    url.hostname = name
    url.port = String(port)
    return url.href
  })
}
