/**
 * Times the command `report forced` over a large history.
 *
 * npm run bench:report [-- --classifications 1000000 --revisions-each 5 --events 10000]
 */
import { spawn } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { connect } from '../src/platform/postgres/connect.ts'
import { migrateUp } from '../src/platform/postgres/migrate.ts'
import { startEmbeddedPostgres } from '../src/devkit/embedded-postgres/start-embedded-postgres.ts'
import { seedHistory } from './seed-history.ts'

const { values } = parseArgs({
  options: {
    classifications: { type: 'string', default: '1000000' },
    'revisions-each': { type: 'string', default: '5' },
    events: { type: 'string', default: '10000' },
  },
})
const size = {
  classifications: Number(values.classifications),
  revisionsEach: Number(values['revisions-each']),
  events: Number(values.events),
  nightlyTimes: 300,
}

await using postgres = await startEmbeddedPostgres()
const { db, pool } = connect({ connectionString: postgres.url(), maxConnections: 1 })
await migrateUp(db)
console.log(
  `${size.classifications * size.revisionsEach} revisions of ${size.classifications} classifications, ${size.events} events`,
)
await seedHistory(db, size)
await pool.query('vacuum analyze')
await db.destroy()
for (const format of ['json', 'csv', 'html', 'table']) {
  const output = path.join(os.tmpdir(), `identifai-report-bench.${format}`)
  const { seconds, megabytes } = await run([
    'report',
    'forced',
    '--from=2026-01-01',
    '--allow-incomplete',
    `--format=${format}`,
    `--output=${output}`,
  ])
  const kilobytes = Math.round(statSync(output).size / 1024)
  console.log(
    `${format}: ${seconds.toFixed(1)} s, at most ${megabytes} MB of memory, ${kilobytes} kB written`,
  )
}

/** Runs the command from its source. Its memory is the peak that Linux records for the process. */
async function run(args: readonly string[]): Promise<{ seconds: number; megabytes: number }> {
  const cli = path.resolve(import.meta.dirname, '../src/main.ts')
  const started = performance.now()
  const child = spawn(process.execPath, [cli, ...args], {
    env: { ...process.env, DATABASE_URL: postgres.url() },
    stdio: 'inherit',
  })
  let megabytes = 0
  const watch = setInterval(() => {
    megabytes = Math.max(megabytes, highestMemory(child.pid))
  }, 20)
  const code = await new Promise((resolve) => {
    child.on('close', resolve)
  })
  clearInterval(watch)
  if (code !== 0) throw new Error(`The report ended with ${String(code)}.`)
  return { seconds: (performance.now() - started) / 1000, megabytes }
}

function highestMemory(pid: number | undefined): number {
  try {
    const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Math.round(Number(kilobytes ?? 0) / 1024)
  } catch {
    return 0
  }
}
