import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import type { TestProject } from 'vitest/node'
import { move } from '../../src/operations/distribution/distribute.ts'
import { connect } from '../../src/platform/postgres/connect.ts'
import { migrateUp } from '../../src/platform/postgres/migrate.ts'
import { buildCommand } from './build-command.ts'
import { createClusterDatabase, dropClusterDatabase, readWorkers } from './citus-cluster.ts'
import { onServer } from './on-server.ts'
import { useMemory } from './temporary-files.ts'

/** Prepares a Citus cluster (TEST_CITUS_URL leads to its coordinator) with a distributed, empty template on every node. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  useMemory()
  const built = buildCommand()
  const serverUrl = String(process.env.TEST_CITUS_URL)
  const workerUrls = await readWorkers(serverUrl)
  const nodes = [serverUrl, ...workerUrls]
  const template = `identifai_template_${randomBytes(4).toString('hex')}`
  const { db } = connect({
    connectionString: await createClusterDatabase(serverUrl, workerUrls, template),
    maxConnections: 1,
  })
  await migrateUp(db)
  await move(db, 'workers')
  const { rows } = await sql<{ version: string }>`
    select format('PostgreSQL %s, %s', current_setting('server_version'), citus_version()) as version`.execute(
    db,
  )
  await db.destroy()
  // A database in use cannot be cloned, and the daemon of Citus would connect again.
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
    await dropClusterDatabase(nodes, template)
    built[Symbol.dispose]()
  }
}
