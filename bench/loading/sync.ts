import path from 'node:path'
import { runProcess } from './run-process.ts'

export const COMMAND = path.resolve(import.meta.dirname, '../../dist/identifai-sync')

/** Batches in flight: while one is written, others are fetched and parsed. */
export const CONCURRENCY = 3

export interface Run {
  /** Epoch milliseconds from the run's row, so that the start of the process does not count and the sealing does. */
  readonly startedAt: number
  readonly finishedAt: number
  readonly seconds: number
  readonly megabytes: number
  /** Processor time of the whole process. */
  readonly cpuSeconds: number
  readonly unchanged: number
}

/** Executes one run of the installed command in a process of its own, at a quota that limits nothing. */
export async function runSync(
  { databaseUrl, apiUrl }: { readonly databaseUrl: string; readonly apiUrl: string },
  args: readonly string[] = [],
): Promise<Run> {
  const { stdout, megabytes, cpuSeconds } = await runProcess(COMMAND, ['sync', '--json', ...args], {
    DATABASE_URL: databaseUrl,
    IDENTIFAI_API_URL: apiUrl,
    IDENTIFAI_API_KEY: 'bench',
    SYNC_REQUESTS_PER_SECOND: '10000',
    SYNC_REQUESTS_PER_MINUTE: '600000',
    SYNC_CONCURRENCY: String(CONCURRENCY),
    LOG_LEVEL: 'silent',
  })
  const run = JSON.parse(stdout) as { started_at: string; finished_at: string; unchanged: number }
  const [startedAt, finishedAt] = [Date.parse(run.started_at), Date.parse(run.finished_at)]
  const seconds = (finishedAt - startedAt) / 1000
  return { startedAt, finishedAt, seconds, megabytes, cpuSeconds, unchanged: run.unchanged }
}
