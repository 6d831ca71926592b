/** Compares the time of the built `identifai-sync --help` with an empty Node: npm run build && npm run bench:startup */
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { median } from './median.ts'

const RUNS = 40
const CLI = path.resolve(import.meta.dirname, '../dist/identifai-sync')

const [empty, help]: [number[], number[]] = [[], []]
for (let run = 0; run < RUNS; run++) {
  empty.push(timeOf('node', ['-e', '0']))
  help.push(timeOf(CLI, ['--help']))
}
console.log(
  `node -e 0: ${median(empty).toFixed(0)} ms; --help: ${median(help).toFixed(0)} ms (medians of ${RUNS}).`,
)
console.log(`--help takes ${(median(help) / median(empty)).toFixed(2)} times as long (bar 3).`)

function timeOf(command: string, args: readonly string[]): number {
  const startedAt = performance.now()
  const { status } = spawnSync(command, args, { stdio: 'ignore' })
  if (status !== 0)
    throw new Error(`${command} ${args.join(' ')} failed. Build the command first: npm run build.`)
  return performance.now() - startedAt
}
