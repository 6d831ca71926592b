import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { findFreePort } from './find-free-port.ts'
import { installBinaries } from './install-binaries.ts'
import { FOLDER_PREFIX, OWNER_FILE, removeOrphans } from './remove-orphans.ts'
import { type UnixUser, unprivilegedUser } from './unprivileged-user.ts'

const PORT_ATTEMPTS = 5
const STOP_GRACE_MS = 5_000

export interface EmbeddedPostgres extends AsyncDisposable {
  /** Connection string of a database of this server, as its superuser; `postgres` when none is named. */
  url(database?: string): string
  /** Stops the server and removes its files; a second call does nothing. */
  stop(): Promise<void>
  /** Ends the server as a crash would, with every session in the middle of its work, and starts it again. */
  crash(): Promise<void>
}

/**
 * Starts a throw-away PostgreSQL on a free loopback port, in a folder of its own below the temporary directory.
 * Durability is switched off: the data is gone when it stops. It is stopped when this process exits, and the next
 * start anywhere on the machine clears up after one that was killed.
 */
export async function startEmbeddedPostgres(): Promise<EmbeddedPostgres> {
  await removeOrphans()
  const user = await unprivilegedUser()
  const folder = await makeFolder(user)
  try {
    const binaries = await installBinaries(folder)
    const password = randomBytes(16).toString('hex')
    await initialize({ binaries, folder, password, user })
    const installation = { binaries, folder, user }
    return createHandle({ ...(await launch(installation)), installation, password })
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

async function makeFolder(user: UnixUser | undefined): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), FOLDER_PREFIX))
  await writeFile(path.join(folder, OWNER_FILE), String(process.pid))
  await chmod(folder, 0o755)
  const data = path.join(folder, 'data')
  await mkdir(data, { mode: 0o700 })
  if (user) await chown(data, user.uid, user.gid)
  return folder
}

interface Installation {
  readonly binaries: string
  readonly folder: string
  readonly user: UnixUser | undefined
}

async function initialize(options: Installation & { readonly password: string }): Promise<void> {
  const passwordFile = path.join(options.folder, 'data', '..', 'password')
  await writeFile(passwordFile, options.password, { mode: 0o600 })
  if (options.user) await chown(passwordFile, options.user.uid, options.user.gid)
  const flags = ['--username=postgres', `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--encoding=UTF8']
  const locale = ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C']
  await promisify(execFile)(
    path.join(options.binaries, 'initdb'),
    [...flags, ...locale, '--no-sync', '-D', path.join(options.folder, 'data')],
    { cwd: options.folder, ...options.user },
  ).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EACCES') throw cause
    throw new Error(
      `The user nobody cannot enter ${options.folder}: set TMPDIR to a folder open to all, such as /tmp.`,
      {
        cause,
      },
    )
  })
  await rm(passwordFile)
}

async function launch(options: Installation): Promise<{ server: ChildProcess; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = await findFreePort()
    const server = spawnServer(options, port)
    const outcome = await readyOrEnded(server)
    if (outcome.ready) return { server, port }
    // Somebody else may have taken the port between the look and the bind.
    if (attempt === PORT_ATTEMPTS || !outcome.log.includes('could not bind')) {
      throw new Error(`The embedded PostgreSQL did not start:\n${outcome.log}`)
    }
  }
}

function spawnServer({ binaries, folder, user }: Installation, port: number): ChildProcess {
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    shared_buffers: '256MB',
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    max_wal_size: '4GB',
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  return spawn(
    path.join(binaries, 'postgres'),
    ['-D', path.join(folder, 'data'), '-p', String(port), ...flags],
    {
      cwd: folder,
      // A group of its own: Ctrl-C in a terminal reaches us, and we stop the server in our own order.
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
      ...user,
    },
  )
}

function readyOrEnded(server: ChildProcess): Promise<{ ready: boolean; log: string }> {
  return new Promise((resolve, reject) => {
    let log = ''
    server.stderr?.setEncoding('utf8').on('data', (text: string) => {
      // Keeps draining for the server's whole life, or the pipe would fill and block it.
      if (log.length < 20_000) log += text
      if (log.includes('ready to accept connections')) resolve({ ready: true, log })
    })
    server.once('exit', () => resolve({ ready: false, log }))
    server.once('error', reject)
  })
}

interface Running {
  readonly server: ChildProcess
  readonly port: number
  readonly installation: Installation
  readonly password: string
}

function createHandle({ server: first, port, installation, password }: Running): EmbeddedPostgres {
  const { folder } = installation
  let server = first
  const killAtExit = () => {
    server.kill('SIGQUIT')
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  }
  process.once('exit', killAtExit)
  letGo(server)

  let stopping: Promise<void> | undefined
  const stop = () => {
    stopping ??= stopServer(server).then(async () => {
      process.off('exit', killAtExit)
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
    })
    return stopping
  }
  return {
    url: (database = 'postgres') => `postgresql://postgres:${password}@127.0.0.1:${port}/${database}`,
    stop,
    crash: async () => {
      const exited = once(server, 'exit')
      server.ref()
      server.kill('SIGQUIT')
      await exited
      server = spawnServer(installation, port)
      const { ready, log } = await readyOrEnded(server)
      if (!ready) throw new Error(`The embedded PostgreSQL did not start again:\n${log}`)
      letGo(server)
    },
    [Symbol.asyncDispose]: stop,
  }
}

/** Whoever keeps the process alive, it is not the server: it ends with us. */
function letGo(server: ChildProcess): void {
  server.unref()
  ;(server.stderr as unknown as { unref(): void }).unref()
}

async function stopServer(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  const exited = once(server, 'exit')
  server.ref()
  server.kill('SIGINT')
  const timeout = setTimeout(() => server.kill('SIGQUIT'), STOP_GRACE_MS)
  await exited
  clearTimeout(timeout)
}
