/**
 * Times the status page over a database with a million classifications, as bench:reporting seeds it.
 *
 * npm run bench:status-page -- --database-url postgresql://…
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startStatusPage } from '../src/operations/daemon/status-page/serve.ts'
import { parseDaemonConfig } from '../src/platform/config/daemon-config.ts'
import { createLogger } from '../src/platform/logger.ts'
import { connect } from '../src/platform/postgres/connect.ts'
import { median } from './median.ts'

const PAGES = 20

const { values } = parseArgs({ options: { 'database-url': { type: 'string' } } })
const url = values['database-url']
if (url === undefined) throw new Error('Give a seeded database: --database-url postgresql://…')
const config = parseDaemonConfig({ DATABASE_URL: url, IDENTIFAI_API_KEY: 'key', STATUS_PORT: '0' })
const { db } = connect({ connectionString: url, maxConnections: 2 })
await using page = await startStatusPage({
  config,
  port: 0,
  logger: createLogger({ level: 'warn', terminal: true }),
  db: () => db,
  slowDb: () => db,
  readReadiness: async () => ({ ready: true, problems: [], last_success_at: null }),
})

async function timePage(): Promise<{ milliseconds: number; isComplete: boolean }> {
  const startedAt = performance.now()
  const text = await (await fetch(page.origin)).text()
  return { milliseconds: performance.now() - startedAt, isComplete: text.includes('content="60"') }
}

const first = await timePage()
console.log(`first page    ${first.milliseconds.toFixed(0).padStart(6)} ms`)
const startedAt = performance.now()
while (!(await timePage()).isComplete) await sleep(50)
console.log(`all of it     ${(performance.now() - startedAt).toFixed(0).padStart(6)} ms later`)
const times: number[] = []
for (let n = 0; n < PAGES; n += 1) {
  times.push((await timePage()).milliseconds)
  await sleep(500)
}
console.log(`later pages   ${median(times).toFixed(0).padStart(6)} ms (median of ${PAGES})`)
console.log(
  `slowest page  ${Math.max(...times)
    .toFixed(0)
    .padStart(6)} ms`,
)
await db.destroy()
