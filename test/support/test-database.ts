import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import { type Connection, connect } from '../../src/platform/postgres/connect.ts'
import { dropClusterDatabase } from './citus-cluster.ts'
import { databaseOn } from './database-on.ts'
import { onServer } from './on-server.ts'

export interface TestDatabase extends Connection, AsyncDisposable {
  readonly url: string
  /** On a cluster, its address on each worker; none on one server. */
  readonly workerUrls: readonly string[]
  /** Sets a parameter for all later sessions. */
  set(parameter: string, value: string): Promise<void>
}

/**
 * Creates a database for one test or file; a migrated one is distributed where the tests run on a cluster. Disposal drops it.
 *
 * @param settings Clauses of CREATE DATABASE.
 */
export async function createTestDatabase(
  content: 'migrated' | 'empty' = 'migrated',
  settings = '',
): Promise<TestDatabase> {
  const serverUrl = inject('serverUrl')
  const workers = content === 'migrated' ? inject('workerUrls') : []
  const name = `identifai_test_${randomBytes(6).toString('hex')}`
  const template = content === 'migrated' ? inject('templateClauses') : ''
  for (const server of [serverUrl, ...workers]) {
    await onServer(server, `create database ${name} ${template} ${settings}`)
    if (workers.length > 0) await letTestsTamper(server, name)
  }
  const url = new URL(databaseOn(serverUrl, name))
  // A server with trust authentication accepts any password, so there is always a secret for tests to search for.
  url.password ||= 'test-password-0123456789'
  const connection = connect({ connectionString: url.href, maxConnections: 8 })
  return {
    ...connection,
    url: url.href,
    workerUrls: workers.map((worker) => databaseOn(worker, name)),
    set: (parameter, value) => onServer(serverUrl, `alter database ${name} set ${parameter} = ${value}`),
    [Symbol.asyncDispose]: async () => {
      await connection.db.destroy()
      await dropClusterDatabase([serverUrl, ...workers], name)
    },
  }
}

/** Lets tests create triggers that fail, and switch off those that they do not test, on every node. */
async function letTestsTamper(server: string, name: string): Promise<void> {
  await onServer(server, `alter database ${name} set citus.enable_unsafe_triggers = on`)
  await onServer(server, `alter database ${name} set citus.propagate_set_commands = local`)
}
