import { readFileSync, statfsSync } from 'node:fs'
import os from 'node:os'
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../src/devkit/embedded-postgres/start-embedded-postgres.ts'

const MEMORY = '/dev/shm'
const MEMORY_BYTES = 3e9

/**
 * A file system in memory, in which a database takes a twentieth of the processor time that it takes on ext4. Undefined where
 * there is none, or it has too little space, or programs cannot be started in it.
 */
export function folderInMemory(): string | undefined {
  try {
    const { bavail, bsize } = statfsSync(MEMORY)
    const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n')
    const [, , , options = 'noexec'] =
      mounts.findLast((line) => line.split(' ')[1] === MEMORY)?.split(' ') ?? []
    return bavail * bsize >= MEMORY_BYTES && !options.split(',').includes('noexec') ? MEMORY : undefined
  } catch {
    return undefined
  }
}

/** Starts a server of its own, in memory where that is possible. */
export function startTestServer(settings: Readonly<Record<string, string>> = {}): Promise<EmbeddedPostgres> {
  // The WAL of a whole suite would be too much for the memory.
  return startEmbeddedPostgres({ max_wal_size: '1GB', ...settings }, folderInMemory() ?? os.tmpdir())
}
