import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'

const FIXTURES = path.resolve(import.meta.dirname, '../fixtures/python')
const CACHE = path.resolve(import.meta.dirname, '../../node_modules/.cache')

/**
 * The programs of a virtual environment with the packages of test/fixtures/python, which is made once for each list of them.
 * Undefined, with a notice, where that is not possible: without Python 3.10, its module venv, or a network to PyPI.
 */
export function preparePython(): string | undefined {
  const files = ['requirements.txt', 'overrides.txt'].map((name) => path.join(FIXTURES, name))
  const digest = createHash('sha256')
  for (const file of files) digest.update(readFileSync(file))
  const folder = path.join(CACHE, `python-${digest.digest('hex').slice(0, 12)}`)
  try {
    if (!existsSync(folder)) make(folder, files as [string, string])
    return path.join(folder, 'bin')
  } catch (error) {
    const { stderr, message } = error as { stderr?: Buffer; message: string }
    console.warn(`NOT CHECKED: dbt and the examples for Python. ${stderr?.toString() || message}`)
    return undefined
  }
}

/** Makes the environment, and afterwards gives it its name, so that no test uses an incomplete one. */
function make(folder: string, [requirements, overrides]: [string, string]): void {
  const incomplete = `${folder}.${process.pid}`
  const run = (program: string, ...args: string[]) =>
    execFileSync(program, args, { stdio: 'pipe', timeout: 300_000 })
  try {
    run('python3', '-c', 'import sys; assert sys.version_info >= (3, 10), "Python 3.10 is needed."')
    run('python3', '-m', 'venv', incomplete)
    const bin = path.join(incomplete, 'bin')
    run(path.join(bin, 'pip'), 'install', '--quiet', '--disable-pip-version-check', 'uv')
    const packages = ['--overrides', overrides, '--requirement', requirements]
    const options = ['--quiet', '--system-certs', '--python', path.join(bin, 'python')]
    run(path.join(bin, 'uv'), 'pip', 'install', ...options, ...packages)
    renameSync(incomplete, folder)
  } finally {
    rmSync(incomplete, { recursive: true, force: true })
  }
}
