import { execFile } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** CSV files for COPY, written by one process per core, and requests in threads. */
const CORES = String(os.availableParallelism())
const FASTEST = {
  FILE_FORMAT: 'csv',
  EXTRACT__WORKERS: '4',
  EXTRACT__DATA_WRITER__FILE_MAX_ITEMS: '2500',
  NORMALIZE__WORKERS: CORES,
  NORMALIZE__DATA_WRITER__BUFFER_MAX_ITEMS: '20000',
  NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION: 'true',
  LOAD__WORKERS: CORES,
}

/** The folder that keeps dlt between runs of the benchmark. */
const ENVIRONMENT = path.join(os.tmpdir(), 'identifai-sync-bench-dlt')

/** The settings that its documentation recommends for speed, or its defaults. */
export type DltSettings = 'fastest' | 'defaults'

export interface DltPeer {
  readonly version: string
  /** Seconds of one run of the pipeline. */
  load(options: {
    readonly databaseUrl: string
    readonly apiUrl: string
    readonly settings: DltSettings
  }): Promise<number>
}

/** Installs dlt in a virtual environment of its own. Returns undefined without Python or the package index. */
export async function installDlt(): Promise<DltPeer | undefined> {
  const python = path.join(ENVIRONMENT, 'bin/python')
  try {
    if (!existsSync(path.join(ENVIRONMENT, 'complete'))) {
      rmSync(ENVIRONMENT, { recursive: true, force: true })
      await run('python3', ['-m', 'venv', ENVIRONMENT])
      await run(python, ['-m', 'pip', 'install', '--quiet', 'dlt[postgres]', 'orjson'])
      await run('touch', [path.join(ENVIRONMENT, 'complete')])
    }
  } catch (error) {
    console.error(
      `Could not install dlt, so the benchmark leaves it out: ${(error as Error).message.split('\n')[0]}`,
    )
    return undefined
  }
  const { stdout } = await run(python, ['-c', 'import dlt; print(dlt.__version__)'])
  return {
    version: stdout.trim(),
    load: async ({ databaseUrl, apiUrl, settings }) => {
      const folder = await mkdtemp(path.join(os.tmpdir(), 'identifai-sync-bench-dlt-run-'))
      const { stdout: output } = await run(python, [path.join(import.meta.dirname, 'dlt_peer.py')], {
        cwd: folder,
        env: {
          ...process.env,
          DATABASE_URL: databaseUrl,
          API_URL: apiUrl,
          PIPELINES_DIR: folder,
          RUNTIME__DLTHUB_TELEMETRY: 'false',
          RUNTIME__LOG_LEVEL: 'ERROR',
          ...(settings === 'fastest' && FASTEST),
        },
      })
      rmSync(folder, { recursive: true, force: true })
      return Number(output.trim().split('\n').at(-1))
    },
  }
}
