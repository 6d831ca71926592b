import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Client } from 'pg'
import { expect, inject } from 'vitest'
import { findFreePort, unprivilegedUser } from '../../src/devkit/embedded-postgres/server-process.ts'

/** True where PgBouncer is installed; otherwise its tests are skipped, and say so. */
export const hasPgBouncer = spawnSync('pgbouncer', ['--version']).status === 0

if (!hasPgBouncer)
  console.warn('NOTICE: pgbouncer is not installed, so the tests behind a pooler are skipped.')

export interface PgBouncer extends AsyncDisposable {
  /** The address of a database of the server, through the pooler. */
  readonly through: (databaseUrl: string) => string
}

/**
 * Starts PgBouncer in transaction mode before the test server. Its clients share few sessions, so that the settings of one
 * would meet the others.
 */
export async function startPgBouncer(): Promise<PgBouncer> {
  const serverUrl = inject('serverUrl')
  const target = new URL(serverUrl)
  const folder = mkdtempSync(path.join(os.tmpdir(), 'identifai-sync-pgbouncer-'))
  chmodSync(folder, 0o755)
  const port = await findFreePort()
  const file = path.join(folder, 'pgbouncer.ini')
  writeFileSync(
    file,
    `[databases]
* = host=${target.hostname} port=${target.port} user=${target.username} password=${target.password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
max_client_conn = 200
`,
  )
  // It refuses to run as root.
  const user = await unprivilegedUser()
  const child = spawn('pgbouncer', [file], { stdio: 'ignore', ...user })
  const through = (databaseUrl: string) => {
    const url = new URL(databaseUrl)
    url.hostname = '127.0.0.1'
    url.port = String(port)
    return url.href
  }
  await expect.poll(() => canConnect(through(serverUrl)), { timeout: 10_000 }).toBe(true)
  return {
    through,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGQUIT')
      if (child.exitCode === null) await once(child, 'exit')
      rmSync(folder, { recursive: true })
    },
  }
}

async function canConnect(connectionString: string): Promise<boolean> {
  const client = new Client({ connectionString })
  try {
    await client.connect()
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => {})
  }
}
