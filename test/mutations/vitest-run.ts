import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import path from 'node:path'

/** A run with a mutation that takes longer counts as failed. */
const LIMIT_MS = 300_000

/** Shorter than that of the suite, because many mutations make a test wait forever. */
const TEST_LIMIT_MS = 60_000

interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[]
  }[]
}

/** The result of some tests. An error means that no test ran. */
export interface TestRun {
  readonly result: 'passed' | 'failed' | 'error'
  /** The first failure, or the end of the output after an error. */
  readonly detail: string
  /** Names of the tests that passed, by test file from the root. */
  readonly passed: ReadonlyMap<string, readonly string[]>
  /** Names of the tests that failed, by test file from the root; none for a file that failed as a whole. */
  readonly failed: ReadonlyMap<string, readonly string[]>
}

interface Options {
  readonly tests: readonly string[]
  readonly only?: string | undefined
  /** Runs all tests, also after a failure, and as long as the suite. */
  readonly isBaseline?: boolean
  readonly serverUrl: string
  readonly signal: AbortSignal
}

/** Runs tests of a copy of the project, on a server of its own. */
export async function runTests(
  folder: string,
  { tests, only, isBaseline = false, serverUrl, signal }: Options,
): Promise<TestRun> {
  const reportFile = path.join(folder, 'report.json')
  rmSync(reportFile, { force: true })
  const flags = [
    '--reporter=json',
    `--outputFile=${reportFile}`,
    `--fsModuleCachePath=${path.join(folder, 'transformed')}`,
    ...(isBaseline ? [] : ['--bail=1', `--testTimeout=${TEST_LIMIT_MS}`]),
    ...(only === undefined ? [] : ['-t', escaped(only)]),
  ]
  const child = spawn(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...flags, ...tests], {
    cwd: folder,
    env: { ...process.env, TEST_DATABASE_URL: serverUrl },
    // A process group of its own, so that its end ends the processes of the tests, too.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-3000)))
  }
  const stop = isBaseline ? signal : AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)])
  const end = () => endGroup(child.pid)
  stop.addEventListener('abort', end)
  const [code] = (await once(child, 'exit')) as [number | null]
  stop.removeEventListener('abort', end)
  signal.throwIfAborted()
  // A test that failed may have left processes.
  end()
  if (stop.aborted) return { ...NOTHING, result: 'failed', detail: `no end within ${LIMIT_MS / 1000} s` }
  return resultOf(folder, readReport(reportFile), { code, output })
}

const NOTHING = { passed: new Map(), failed: new Map() }

function resultOf(
  folder: string,
  report: Report | undefined,
  { code, output }: { readonly code: number | null; readonly output: string },
): TestRun {
  const files = report?.testResults ?? []
  const namesOf = (wanted: string) => (file: Report['testResults'][number]) =>
    [
      path.relative(folder, file.name),
      file.assertionResults.filter(({ status }) => status === wanted).map(({ fullName }) => fullName),
    ] as const
  const passed = new Map(files.map(namesOf('passed')))
  const bad = files.filter(({ status }) => status === 'failed')
  const failed = new Map(bad.map(namesOf('failed')))
  const [first] = bad
  if (first) {
    const test = first.assertionResults.find(({ status }) => status === 'failed')
    return { result: 'failed', detail: test?.fullName ?? path.relative(folder, first.name), passed, failed }
  }
  const end = output.trim().slice(-1000)
  if (!report || report.numPassedTests === 0) return { result: 'error', detail: end, passed, failed }
  // An error outside of a test fails the suite, too.
  return { result: code === 0 ? 'passed' : 'failed', detail: code === 0 ? '' : end, passed, failed }
}

function readReport(file: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Report
  } catch {
    return undefined
  }
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // All of its processes have ended.
  }
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
}
