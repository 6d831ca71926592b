import { readdir, readFile, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'

export const FOLDER_PREFIX = 'identifai-sync-pg-'
export const OWNER_FILE = 'owner.pid'

/** Ends and removes servers whose starter died without stopping them (kill -9, a power cut). */
export async function removeOrphans(): Promise<void> {
  const entries = await readdir(os.tmpdir())
  for (const entry of entries.filter((name) => name.startsWith(FOLDER_PREFIX))) {
    const folder = path.join(os.tmpdir(), entry)
    const owner = await readPid(path.join(folder, OWNER_FILE))
    // No owner file: a start of another process that has just made the folder, or another user's folder.
    if (owner === undefined || isAlive(owner)) continue
    const server = await readPid(path.join(folder, 'data', 'postmaster.pid'))
    if (server !== undefined) signal(server, 'SIGQUIT')
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }).catch(() => {})
  }
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
