import path from 'node:path'
import { runProcess } from './run-process.ts'

const SCRIPT = path.join(import.meta.dirname, 'kysely-peer.ts')

/** Seconds that the straightforward implementation takes for a first load, in a process of its own. */
export async function runKyselyPeer(databaseUrl: string, apiUrl: string): Promise<number> {
  const environment = { DATABASE_URL: databaseUrl, API_URL: apiUrl }
  const { stdout } = await runProcess(process.execPath, [SCRIPT], environment)
  return Number(stdout)
}
