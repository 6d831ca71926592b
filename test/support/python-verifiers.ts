import { execFile, spawn, spawnSync } from 'node:child_process'
import path from 'node:path'
import { createInterface } from 'node:readline'

const DOCS = path.resolve(import.meta.dirname, '../../docs')

export const HAS_PYTHON = spawnSync('python3', ['-c', '']).status === 0
if (!HAS_PYTHON) console.warn('NOT CHECKED: docs/verify_*.py, because there is no python3 on this machine.')

type Verifier = 'verify_bundle.py' | 'verify_report.py'

/** The exit code of a verifier of docs, in a process of its own. */
export function exitCodeOf(verifier: Verifier, ...args: readonly string[]): Promise<unknown> {
  return new Promise((resolve) => {
    execFile('python3', ['-B', path.join(DOCS, verifier), ...args], (error) => resolve(error?.code ?? 0))
  })
}

/** Runs a script for each line of standard input, as `python3` would run it, and prints its exit code. */
const RUN_MANY = `
import contextlib, io, json, runpy, sys
for line in sys.stdin:
    sys.argv, code = json.loads(line), 0
    try:
        with contextlib.redirect_stdout(io.StringIO()): runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end: code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException: code = 1
    print(code, flush=True)
`

/** Starts one Python for many runs of the verifiers, which is twenty times as fast as a process for each. */
export function startPython() {
  const child = spawn('python3', ['-B', '-c', RUN_MANY], { env: { ...process.env, PYTHONPATH: DOCS } })
  const codes = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    /** The exit code of a verifier of docs. Two runs must not overlap. */
    exitCodeOf: async (verifier: Verifier, ...args: readonly string[]): Promise<number> => {
      child.stdin.write(`${JSON.stringify([path.join(DOCS, verifier), ...args])}\n`)
      return Number((await codes.next()).value)
    },
    [Symbol.dispose]: () => child.stdin.end(),
  }
}
