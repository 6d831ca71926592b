/**
 * Times the reporting views over a million classifications.
 *
 * npm run bench:reporting [-- --classifications 1000000 --database-url postgresql://… (seeded before)]
 */
import { parseArgs } from 'node:util'
import { type Kysely, sql } from 'kysely'
import { connect } from '../src/platform/postgres/connect.ts'
import type { Database } from '../src/platform/postgres/database.ts'
import { migrateUp } from '../src/platform/postgres/migrate.ts'
import { startEmbeddedPostgres } from '../src/devkit/embedded-postgres/start-embedded-postgres.ts'
import { reportingQueries } from './reporting-queries.ts'
import { median } from './median.ts'
import { seedClassifications } from './seed-classifications.ts'

const RUNS = 5

const { values } = parseArgs({
  options: {
    classifications: { type: 'string', default: '1000000' },
    'database-url': { type: 'string' },
    only: { type: 'string' },
    plans: { type: 'boolean', default: false },
  },
})

await using postgres = values['database-url'] === undefined ? await startEmbeddedPostgres() : undefined
const connectionString = values['database-url'] ?? postgres?.url() ?? ''
const connections = [1, 2].map(() => connect({ connectionString, maxConnections: 1 }).db)
const [db] = connections as [Kysely<Database>]
if (postgres) {
  await migrateUp(db)
  const total = Number(values.classifications)
  await seedClassifications(connections, total, (done) =>
    process.stderr.write(`\r${done} of ${total} seeded `),
  )
}
let missed = 0
for (const { view, what, query, barMs } of await reportingQueries(db)) {
  const name = `${view}, ${what}`
  if (values.only && !name.includes(values.only)) continue
  const milliseconds = await timesOf(query)
  const isMet = milliseconds.median <= barMs
  if (!isMet) missed++
  console.log(
    `${isMet ? '  ' : '! '}${name.padEnd(60)} ${milliseconds.median.toFixed(1).padStart(9)} ms (${milliseconds.least.toFixed(1)} to ${milliseconds.most.toFixed(1)}; bar ${barMs})`,
  )
  if (values.plans) console.log(await planOf(query))
}
console.log(missed === 0 ? 'Every bar is met.' : `${missed} bars are missed.`)
for (const connection of connections) await connection.destroy()

async function timesOf(query: string) {
  const times = []
  for (let run = 0; run < RUNS; run++) {
    const started = performance.now()
    await sql.raw(query).execute(db)
    times.push(performance.now() - started)
    // A slow query runs once, because a median would take too long.
    if (times[0] !== undefined && times[0] > 60_000) break
  }
  return { least: Math.min(...times), median: median(times), most: Math.max(...times) }
}

async function planOf(query: string): Promise<string> {
  const { rows } = await sql<{
    'QUERY PLAN': string
  }>`explain (analyze, buffers, costs off) ${sql.raw(query)}`.execute(db)
  return rows.map((row) => row['QUERY PLAN']).join('\n')
}
