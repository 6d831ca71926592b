import { execFile } from 'node:child_process'
import { lstat, readdir, readFile, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

export const FOLDER_PREFIX = 'identifai-sync-pg-'
export const OWNER_FILE = 'owner.pid'

/**
 * Ends and removes servers whose starter died without stopping them (kill -9, a power cut). Only folders of our own count,
 * and only a process that was started on that folder: a process id may mean somebody else by now.
 */
export async function removeOrphans(): Promise<void> {
  const entries = await readdir(os.tmpdir())
  for (const entry of entries.filter((name) => name.startsWith(FOLDER_PREFIX))) {
    const folder = path.join(os.tmpdir(), entry)
    if (!(await isOurs(folder))) continue
    const owner = await readPid(path.join(folder, OWNER_FILE))
    // No owner file: a start of another process that has just made the folder.
    if (owner === undefined || isAlive(owner)) continue
    const server = await readPid(path.join(folder, 'data', 'postmaster.pid'))
    if (server !== undefined && (await commandLine(server)).includes(folder)) signal(server, 'SIGQUIT')
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }).catch(() => {})
  }
}

async function isOurs(folder: string): Promise<boolean> {
  const stats = await lstat(folder).catch(() => undefined)
  return stats !== undefined && stats.isDirectory() && stats.uid === process.getuid?.()
}

/** What a process was started with; empty when it does not exist. */
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
    // It has ended by itself, or is not ours to end.
  }
}
