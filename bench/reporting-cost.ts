/**
 * Measures how much the indexes of the reporting views slow down a first load. Whole runs against the simulator, each in
 * a database of its own, alternate between with and without the indexes.
 *
 * npm run bench:reporting-cost [-- --identifiers 3000 --rounds 5]
 */
import { parseArgs } from 'node:util'
import { sql } from 'kysely'
import { createApp } from '../src/app.ts'
import { parseSyncConfig } from '../src/platform/config/config.ts'
import { connect } from '../src/platform/postgres/connect.ts'
import { migrateUp } from '../src/platform/postgres/migrate.ts'
import { startEmbeddedPostgres } from '../src/devkit/embedded-postgres/start-embedded-postgres.ts'
import { enqueue } from '../src/pipeline/queue/enqueue.ts'
import { argumentEntries } from '../src/pipeline/queue/input/read-arguments.ts'
import { createLogger } from '../src/platform/logger.ts'
import { startSimulator } from '../src/devkit/simulator/simulator.ts'
import { executeRun } from '../src/pipeline/run/execute-run.ts'
import { median } from './median.ts'

const INDEXES = [
  'identifiers_submitted_idx',
  'identifiers_submitted_day_idx',
  'identifiers_unsubmitted_idx',
  'classification_revisions_observed_idx',
  'classification_revisions_first_day_idx',
  'classification_revisions_submitted_idx',
  'classification_revisions_force_file_idx',
  'classifications_forced_idx',
  'model_results_file_idx',
]

const { values } = parseArgs({
  options: {
    identifiers: { type: 'string', default: '3000' },
    rounds: { type: 'string', default: '5' },
  },
})

await using postgres = await startEmbeddedPostgres()
await using simulator = await startSimulator({ apiKey: 'bench', world: { requestsUntilDone: 0 } })
const identifiers = simulator.world.register({ count: Number(values.identifiers), outcome: 'done' })
const ratios = []
for (let round = 0; round < Number(values.rounds); round++) {
  const [withIndexes, without] = [await load(`with_${round}`, true), await load(`without_${round}`, false)]
  ratios.push(withIndexes / without)
  console.log(`with ${withIndexes.toFixed(2)} s, without ${without.toFixed(2)} s`)
}
console.log(
  `A first load takes ${median(ratios).toFixed(3)} times as long with the indexes (median of ${ratios.length}).`,
)

/** Seconds of one run that loads everything. */
async function load(name: string, withIndexes: boolean): Promise<number> {
  const admin = connect({ connectionString: postgres.url(), maxConnections: 1 })
  await admin.pool.query(`create database ${name}`)
  await admin.db.destroy()
  const url = new URL(postgres.url())
  url.pathname = `/${name}`
  await using app = createApp(
    parseSyncConfig({
      DATABASE_URL: url.href,
      IDENTIFAI_API_URL: simulator.apiUrl,
      IDENTIFAI_API_KEY: 'bench',
      SYNC_REQUESTS_PER_SECOND: '10000',
      SYNC_REQUESTS_PER_MINUTE: '600000',
    }),
    { logger: createLogger({ level: 'silent', terminal: false }) },
  )
  await migrateUp(app.db)
  if (!withIndexes)
    for (const index of INDEXES) await sql`drop index identifai.${sql.id(index)}`.execute(app.db)
  await enqueue(app.db, argumentEntries(identifiers), { media: 'audio', priority: 0, source: null })
  const started = performance.now()
  const { failure } = await executeRun(app, { trigger: 'manual', signal: new AbortController().signal })
  if (failure !== undefined) throw failure
  return (performance.now() - started) / 1000
}
