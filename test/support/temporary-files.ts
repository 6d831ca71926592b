import { readFileSync, statfsSync } from 'node:fs'

const MEMORY = '/dev/shm'
const MEMORY_BYTES = 3e9

/**
 * Puts the temporary files of this process, and of those that it starts, into a file system in memory. A database takes a
 * twentieth of the processor time there that it takes on ext4. Does nothing when TMPDIR is set, or where such a file system is
 * missing, has too little space, or starts no programs.
 */
export function useMemory(): void {
  if (!process.env.TMPDIR && isUsable()) process.env.TMPDIR = MEMORY
}

function isUsable(): boolean {
  try {
    const { bavail, bsize } = statfsSync(MEMORY)
    const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n')
    const [, , , options = 'noexec'] =
      mounts.findLast((line) => line.split(' ')[1] === MEMORY)?.split(' ') ?? []
    return bavail * bsize >= MEMORY_BYTES && !options.split(',').includes('noexec')
  } catch {
    return false
  }
}
