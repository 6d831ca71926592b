import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import type { TestProject } from 'vitest/node'
import { connect } from '../../src/platform/postgres/connect.ts'
import { migrateUp } from '../../src/platform/postgres/migrate.ts'
import { startEmbeddedPostgres } from '../../src/devkit/embedded-postgres/start-embedded-postgres.ts'
import { onServer } from './on-server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Connection string of the test server's maintenance database. */
    serverUrl: string
    /** Name of a migrated, empty database to clone. */
    templateDatabase: string
  }
}

/** Prepares PostgreSQL for the whole suite (TEST_DATABASE_URL or an embedded server) with a migrated template. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.TEST_DATABASE_URL
  const embedded = given ? undefined : await startEmbeddedPostgres()
  const serverUrl = embedded?.url() ?? String(given)
  const templateDatabase = `identifai_template_${randomBytes(4).toString('hex')}`
  await onServer(serverUrl, `create database ${templateDatabase}`)
  const url = new URL(serverUrl)
  url.pathname = templateDatabase
  const template = connect({ connectionString: url.href, maxConnections: 1 })
  await migrateUp(template.db)
  const { rows } = await sql<{ server_version: string }>`show server_version`.execute(template.db)
  await template.db.destroy()
  console.log(`PostgreSQL ${rows[0]?.server_version} (${embedded ? 'embedded' : 'TEST_DATABASE_URL'})`)
  project.provide('serverUrl', serverUrl)
  project.provide('templateDatabase', templateDatabase)
  return async () => {
    await onServer(serverUrl, `drop database ${templateDatabase}`)
    await embedded?.stop()
  }
}
