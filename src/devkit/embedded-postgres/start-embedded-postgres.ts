import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { DatabaseError } from '../../platform/errors.ts'
import { installBinaries } from './install-binaries.ts'
import { FOLDER_PREFIX, OWNER_FILE, removeOrphans } from './remove-orphans.ts'
import {
  type Installation,
  killServer,
  launchServer,
  notStarted,
  readyOrEnded,
  spawnServer,
  stopServer,
  unprivilegedUser,
} from './server-process.ts'

export type EmbeddedPostgres = Awaited<ReturnType<typeof startEmbeddedPostgres>>

/**
 * Starts a temporary PostgreSQL on a free loopback port, in a temporary folder of its own. Durability is off, because the
 * data is deleted when the server stops. The server stops when this process exits. When this process is killed, the next start
 * in the same temporary folder removes the server.
 */
export async function startEmbeddedPostgres(settings: Installation['settings'] = {}) {
  await removeOrphans(os.tmpdir())
  const user = await unprivilegedUser()
  const folder = await makeFolder(user)
  try {
    const binaries = await installBinaries(folder)
    const password = randomBytes(16).toString('hex')
    const installation = { binaries, folder, user, settings }
    await initialize({ ...installation, password })
    return createHandle(installation, password, await launchServer(installation))
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

async function makeFolder(user: Installation['user']): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), FOLDER_PREFIX))
  await writeFile(path.join(folder, OWNER_FILE), String(process.pid))
  await chmod(folder, 0o755)
  const data = path.join(folder, 'data')
  await mkdir(data, { mode: 0o700 })
  if (user) await chown(data, user.uid, user.gid)
  return folder
}

async function initialize(options: Installation & { readonly password: string }): Promise<void> {
  const passwordFile = path.join(options.folder, 'password')
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
    throw new DatabaseError(
      `The user that runs the temporary PostgreSQL cannot enter ${options.folder}.`,
      'Set TMPDIR to a folder that all users can enter, such as /tmp.',
      { cause },
    )
  })
  await rm(passwordFile)
}

function createHandle(
  installation: Installation,
  password: string,
  launched: Awaited<ReturnType<typeof launchServer>>,
) {
  const { folder } = installation
  let { server } = launched
  const { port } = launched
  const killAtExit = () => {
    server.kill('SIGQUIT')
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  }
  process.once('exit', killAtExit)

  let stopping: Promise<void> | undefined
  const stop = () =>
    (stopping ??= stopServer(server).then(async () => {
      process.off('exit', killAtExit)
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
    }))
  return {
    /** Connection string of a database of this server for its superuser. */
    url: (database = 'postgres') => `postgresql://postgres:${password}@127.0.0.1:${port}/${database}`,
    /** Stops the server and removes its files; a second call does nothing. */
    stop,
    /** Ends the server as a crash would, with its sessions in the middle of their work, and starts it again. */
    crash: async () => {
      await killServer(server)
      server = spawnServer(installation, port)
      const { ready, log } = await readyOrEnded(server)
      if (!ready) throw notStarted(log)
    },
    [Symbol.asyncDispose]: stop,
  }
}
