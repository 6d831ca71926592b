import { execFile } from 'node:child_process'
import { lstat, readdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'

export const FOLDER_PREFIX = 'identifai-sync-pg-'
export const OWNER_FILE = 'owner.pid'

/**
 * Stops and removes the servers in a folder whose parent process died without stopping them (kill -9, a power cut). Only
 * folders of the current user count, and only processes that were started on such a folder, because a process id can be
 * reused.
 */
export async function removeOrphans(parent: string): Promise<void> {
  const entries = await readdir(parent)
  for (const entry of entries.filter((name) => name.startsWith(FOLDER_PREFIX))) {
    const folder = path.join(parent, entry)
    if (!(await isOwnFolder(folder))) continue
    const owner = await readPid(path.join(folder, OWNER_FILE))
    // Without an owner file, another process has just created the folder and is about to start a server.
    if (owner === undefined || isAlive(owner)) continue
    const server = await readPid(path.join(folder, 'data', 'postmaster.pid'))
    if (server !== undefined && (await commandLine(server)).includes(folder)) signal(server, 'SIGQUIT')
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }).catch(() => {})
  }
}

async function isOwnFolder(folder: string): Promise<boolean> {
  const stats = await lstat(folder).catch(() => undefined)
  return stats !== undefined && stats.isDirectory() && stats.uid === process.getuid?.()
}

/** Reads the command line of a process; empty when the process does not exist. */
async function commandLine(pid: number): Promise<string> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'args=', '-p', String(pid)]).catch(() => ({
    stdout: '',
  }))
  return stdout || (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''))
}

async function readPid(file: string): Promise<number | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '')
  const pid = Number.parseInt(text, 10)
  return pid > 0 ? pid : undefined
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // The process has ended, or belongs to another user.
  }
}
