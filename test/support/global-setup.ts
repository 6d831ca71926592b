import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import type { TestProject } from 'vitest/node'
import { connect } from '../../src/platform/postgres/connect.ts'
import { migrateUp } from '../../src/platform/postgres/migrate.ts'
import { buildCommand } from './build-command.ts'
import { databaseOn } from './database-on.ts'
import { onServer } from './on-server.ts'
import { startTestServer } from './start-test-server.ts'
import { useMemory } from './temporary-files.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Connection string of the test server's maintenance database; on a cluster, of the coordinator's. */
    serverUrl: string
    /** Those of the workers of the cluster that TEST_CITUS_URL leads to; none without it. */
    workerUrls: readonly string[]
    /** The clauses of CREATE DATABASE that clone a migrated, empty database. */
    templateClauses: string
    /** The command as it is published. */
    builtCommand: string
  }
}

/**
 * Prepares PostgreSQL for the whole suite (TEST_DATABASE_URL or an embedded server) with a migrated template, and builds
 * the command.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  useMemory()
  const built = buildCommand()
  const given = process.env.TEST_DATABASE_URL
  const embedded = given ? undefined : await startTestServer()
  const serverUrl = embedded?.url() ?? String(given)
  const template = `identifai_template_${randomBytes(4).toString('hex')}`
  await onServer(serverUrl, `create database ${template}`)
  const { db } = connect({ connectionString: databaseOn(serverUrl, template), maxConnections: 1 })
  await migrateUp(db)
  const { rows } = await sql<{ version: string; fsync: string }>`
    select current_setting('server_version') as version, current_setting('fsync') as fsync`.execute(db)
  await db.destroy()
  console.log(`PostgreSQL ${rows[0]?.version} (${embedded ? 'embedded' : 'TEST_DATABASE_URL'})`)
  project.provide('serverUrl', serverUrl)
  project.provide('workerUrls', [])
  // A copy of the files takes half the time of the default, but waits for checkpoints, which are cheap without fsync only.
  const strategy = rows[0]?.fsync === 'off' ? 'strategy file_copy' : ''
  project.provide('templateClauses', `template ${template} ${strategy}`)
  project.provide('builtCommand', built.command)
  return async () => {
    await onServer(serverUrl, `drop database ${template}`)
    await embedded?.stop()
    built[Symbol.dispose]()
  }
}
