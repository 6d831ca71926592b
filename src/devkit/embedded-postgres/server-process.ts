import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import path from 'node:path'
import { DatabaseError } from '../../platform/errors.ts'

const PORT_ATTEMPTS = 5
const STOP_GRACE_MS = 5_000

export interface Installation {
  /** The folder of `initdb` and `postgres`. */
  readonly binaries: string
  /** The server's own folder; its data is in `data`. */
  readonly folder: string
  /** The user that the server runs as; the current one when undefined. */
  readonly user: { readonly uid: number; readonly gid: number } | undefined
  /** Settings of the server that differ from the usual ones. */
  readonly settings: Readonly<Record<string, string>>
}

/** Starts the server on a free loopback port, and resolves when it accepts connections. */
export async function launchServer(
  installation: Installation,
): Promise<{ readonly server: ChildProcess; readonly port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = await findFreePort()
    const server = spawnServer(installation, port)
    const { ready, log } = await readyOrEnded(server)
    if (ready) return { server, port }
    // Another process may have taken the port between the search and the bind.
    if (attempt === PORT_ATTEMPTS || !log.includes('could not bind')) {
      throw notStarted(log)
    }
  }
}

export function notStarted(log: string): DatabaseError {
  return new DatabaseError(
    `The temporary PostgreSQL did not start:\n${log}`,
    'Check the free space of the temporary folder, and shared memory (df /dev/shm).',
  )
}

/** Starts the server process, which is not ready yet. */
export function spawnServer({ binaries, folder, user, settings }: Installation, port: number): ChildProcess {
  const all = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    shared_buffers: '256MB',
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    max_wal_size: '4GB',
    ...settings,
  }
  const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  return spawn(
    path.join(binaries, 'postgres'),
    ['-D', path.join(folder, 'data'), '-p', String(port), ...flags],
    {
      cwd: folder,
      // A process group of its own, so that Ctrl-C in a terminal reaches only this process, which stops the server.
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
      ...user,
    },
  )
}

/** Resolves when the server accepts connections or has ended. Then neither it nor its output keeps this process alive. */
export async function readyOrEnded(server: ChildProcess): Promise<{ ready: boolean; log: string }> {
  const result = await new Promise<{ ready: boolean; log: string }>((resolve, reject) => {
    let log = ''
    server.stderr?.setEncoding('utf8').on('data', (text: string) => {
      // The listener stays for the server's whole life, because a full pipe would block the server.
      if (log.length < 20_000) log += text
      if (log.includes('ready to accept connections')) resolve({ ready: true, log })
    })
    server.once('exit', () => resolve({ ready: false, log }))
    server.once('error', reject)
  })
  server.unref()
  ;(server.stderr as unknown as { unref(): void }).unref()
  return result
}

/** Ends a server as a crash would, with its sessions in the middle of their work. */
export async function killServer(server: ChildProcess): Promise<void> {
  const exited = once(server, 'exit')
  server.ref()
  server.kill('SIGQUIT')
  await exited
}

/** Stops a server in an orderly way, or after five seconds as a crash would. */
export async function stopServer(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  const exited = once(server, 'exit')
  server.ref()
  server.kill('SIGINT')
  const timeout = setTimeout(() => server.kill('SIGQUIT'), STOP_GRACE_MS)
  await exited
  clearTimeout(timeout)
}

/** Finds a loopback TCP port that was free a moment ago. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** The user that the server runs as. PostgreSQL refuses to run as root; undefined when this process does not. */
export async function unprivilegedUser(): Promise<Installation['user']> {
  if (process.getuid?.() !== 0) return undefined
  const passwd = await readFile('/etc/passwd', 'utf8')
  const entry = passwd.split('\n').find((line) => line.startsWith('nobody:'))
  const [, , uid, gid] = entry?.split(':') ?? []
  if (uid === undefined || gid === undefined) {
    throw new DatabaseError(
      'PostgreSQL does not run as root, and this machine has no unprivileged user for it.',
      'Run the command as another user.',
    )
  }
  return { uid: Number(uid), gid: Number(gid) }
}
