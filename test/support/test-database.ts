import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import { type Connection, connect } from '../../src/platform/postgres/connect.ts'
import { onServer } from './on-server.ts'

export interface TestDatabase extends Connection, AsyncDisposable {
  readonly url: string
  /** Sets a parameter for all later sessions. */
  set(parameter: string, value: string): Promise<void>
}

/**
 * Creates a database for one test or file. Disposal drops it.
 *
 * @param settings Clauses of CREATE DATABASE.
 */
export async function createTestDatabase(
  content: 'migrated' | 'empty' = 'migrated',
  settings = '',
): Promise<TestDatabase> {
  const serverUrl = inject('serverUrl')
  const name = `identifai_test_${randomBytes(6).toString('hex')}`
  const template = content === 'migrated' ? inject('templateClauses') : ''
  await onServer(serverUrl, `create database ${name} ${template} ${settings}`)
  const url = new URL(serverUrl)
  url.pathname = name
  // A server with trust authentication accepts any password, so there is always a secret for tests to search for.
  url.password ||= 'test-password-0123456789'
  const connection = connect({ connectionString: url.href, maxConnections: 8 })
  return {
    ...connection,
    url: url.href,
    set: (parameter, value) => onServer(serverUrl, `alter database ${name} set ${parameter} = ${value}`),
    [Symbol.asyncDispose]: async () => {
      await connection.db.destroy()
      await onServer(serverUrl, `drop database ${name} with (force)`)
    },
  }
}
