import { spawn } from 'node:child_process'
import { appendFile, chmod, chown, cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { sql } from 'kysely'
import { expect } from 'vitest'
import type { EmbeddedPostgres } from '../../src/devkit/embedded-postgres/start-embedded-postgres.ts'
import { installBinaries } from '../../src/devkit/embedded-postgres/install-binaries.ts'
import {
  findFreePort,
  killServer,
  unprivilegedUser,
} from '../../src/devkit/embedded-postgres/server-process.ts'
import { connect } from '../../src/platform/postgres/connect.ts'

export interface Standby extends AsyncDisposable {
  readonly port: number
  /** Connection string of its superuser. */
  readonly url: string
  /** Makes it the primary. */
  promote(): Promise<void>
}

/** Starts a synchronous standby of a server: it has everything that the server commits from now on. */
export async function startStandby(primary: EmbeddedPostgres): Promise<Standby> {
  const { db, pool } = connect({ connectionString: primary.url(), maxConnections: 1 })
  const folder = await mkdtemp(path.join(os.tmpdir(), 'identifai-sync-standby-'))
  const data = path.join(folder, 'data')
  await chmod(folder, 0o755)
  const { rows } = await sql<{ folder: string }>`select current_setting('data_directory') as folder`.execute(
    db,
  )
  const source = rows[0]?.folder ?? ''
  // In one session, as a backup needs.
  const client = await pool.connect()
  await client.query("select pg_backup_start('standby', true)")
  await cp(source, data, { recursive: true, filter: (file) => path.basename(file) !== 'postmaster.pid' })
  const backup = await client.query<{ labelfile: string }>('select labelfile from pg_backup_stop(false)')
  client.release()
  await writeFile(path.join(data, 'backup_label'), backup.rows[0]?.labelfile ?? '')
  await writeFile(path.join(data, 'standby.signal'), '')
  const from = new URL(primary.url())
  const address = `host=${from.hostname} port=${from.port} user=${from.username} password=${from.password}`
  await appendFile(
    path.join(data, 'postgresql.auto.conf'),
    `primary_conninfo = '${address} application_name=standby'\n`,
  )
  const user = await unprivilegedUser()
  if (user) {
    for (const entry of await readdir(data, { recursive: true }))
      await chown(path.join(data, entry), user.uid, user.gid)
    await chown(data, user.uid, user.gid)
  }
  await chmod(data, 0o700)
  // Its own, because the files of the primary are removed with that.
  const binaries = await installBinaries(folder)
  const port = await findFreePort()
  const url = new URL(primary.url())
  url.port = String(port)
  const settings = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_connections=200',
    'fsync=off',
  ]
  const server = spawn(
    path.join(binaries, 'postgres'),
    ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])],
    { cwd: folder, stdio: 'ignore', ...user },
  )
  const own = connect({ connectionString: url.href, maxConnections: 1 }).db
  await expect
    .poll(
      () =>
        sql`select 1`.execute(own).then(
          () => true,
          () => false,
        ),
      { timeout: 30_000 },
    )
    .toBe(true)
  // The server commits asynchronously for the sake of speed, which a role may change.
  await sql`alter role postgres set synchronous_commit = on`.execute(db)
  await pool.query("alter system set synchronous_standby_names = 'standby'")
  await sql`select pg_reload_conf()`.execute(db)
  await expect
    .poll(async () => (await sql`select sync_state from pg_stat_replication`.execute(db)).rows, {
      timeout: 30_000,
    })
    .toEqual([{ sync_state: 'sync' }])
  await db.destroy()
  return {
    port,
    url: url.href,
    promote: async () => {
      // A promoted server would wait for a standby of its own.
      await own.destroy()
      const { db: admin, pool: admins } = connect({ connectionString: url.href, maxConnections: 1 })
      await sql`select pg_promote()`.execute(admin)
      await admins.query("alter system set synchronous_standby_names = ''")
      await admins.query('select pg_reload_conf()')
      await admin.destroy()
    },
    [Symbol.asyncDispose]: async () => {
      if (server.exitCode === null) await killServer(server)
      await rm(folder, { recursive: true, force: true })
    },
  }
}
