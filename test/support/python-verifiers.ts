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

/** The exit code and the output of a verifier. */
export interface Verdict {
  readonly code: number
  readonly output: string
}

/** Runs a script for each line of standard input, as `python3` would run it. Prints its exit code and its output as JSON. */
const RUN_MANY = `
import contextlib, io, json, runpy, sys
for line in sys.stdin:
    sys.argv, code, output = json.loads(line), 0, io.StringIO()
    try:
        with contextlib.redirect_stdout(output): runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end: code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException as error: code = 1; output.write(repr(error))
    print(json.dumps({"code": code, "output": output.getvalue()}), flush=True)
`

/** Starts one Python for many runs of the verifiers, which is twenty times as fast as a process for each. */
export function startPython() {
  const child = spawn('python3', ['-B', '-c', RUN_MANY], { env: { ...process.env, PYTHONPATH: DOCS } })
  const verdicts = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    /** The verdict of a verifier of docs. Two runs must not overlap. */
    verify: async (verifier: Verifier, ...args: readonly string[]): Promise<Verdict> => {
      child.stdin.write(`${JSON.stringify([path.join(DOCS, verifier), ...args])}\n`)
      return JSON.parse(String((await verdicts.next()).value)) as Verdict
    },
    [Symbol.dispose]: () => child.stdin.end(),
  }
}
