/**
 * Measures the verification of a long history: its seconds and its peak memory. Then it makes and verifies a bundle on the last
 * quarter, and prints the seconds and the size. Each run of the history is a minute after the one before.
 *
 * npm run bench:verify [-- --runs 50 --revisions 5000000 --events 200]
 */
import { spawnSync } from 'node:child_process'
import { createWriteStream, rmSync, statSync } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { bundleLines } from '../src/compliance/report/read/bundle-lines.ts'
import { readReport } from '../src/compliance/report/read/read-report.ts'
import { verifyFile } from '../src/compliance/report/read/verify-file.ts'
import { verifyChain } from '../src/compliance/verify/verify-chain.ts'
import { connect } from '../src/platform/postgres/connect.ts'
import { migrateUp } from '../src/platform/postgres/migrate.ts'
import { startEmbeddedPostgres } from '../src/devkit/embedded-postgres/start-embedded-postgres.ts'
import { seedSealed } from './seed-sealed.ts'

const BUNDLE = `bundle-${process.pid}.jsonl`
const QUARTER_MS = 90 * 24 * 3_600_000

const { DATABASE_URL } = process.env
if (DATABASE_URL === undefined) await prepare()
else await measure(DATABASE_URL)

/** Seeds a server of its own, and measures in a process of its own, because seeding needs memory, too. */
async function prepare(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '50' },
      revisions: { type: 'string', default: '5000000' },
      events: { type: 'string', default: '200' },
    },
  })
  await using postgres = await startEmbeddedPostgres()
  const { db } = connect({ connectionString: postgres.url(), maxConnections: 2 })
  await migrateUp(db)
  const { runs, revisions, events } = values
  await seedSealed(db, { runs: Number(runs), revisions: Number(revisions), events: Number(events) })
  await db.destroy()
  const env = { ...process.env, DATABASE_URL: postgres.url() }
  spawnSync(process.execPath, [fileURLToPath(import.meta.url)], { env, stdio: 'inherit' })
}

async function measure(connectionString: string): Promise<void> {
  const { db } = connect({ connectionString, maxConnections: 2 })
  const verified = await timed('verify the history', () => verifyChain(db))
  console.log(
    `${verified.runs} runs, ${verified.revisions} revisions, ${verified.findings.length} findings`,
    verified.findings.slice(0, 3),
  )
  console.log(`Peak memory: ${Math.round(process.resourceUsage().maxRSS / 1024)} MB`)
  const from = new Date(Date.now() - QUARTER_MS).toISOString()
  const report = await timed('make the report on a quarter', () =>
    readReport(db, { media: 'audio', from, to: null, asOf: null }),
  )
  await timed('make its bundle', () =>
    pipeline(Readable.from(bundleLines(db, report, [])), createWriteStream(BUNDLE)),
  )
  const file = await timed('verify the bundle', () => verifyFile(BUNDLE, {}))
  console.log(
    `Bundle: ${(statSync(BUNDLE).size / 1e6).toFixed(1)} MB, ${file.runs} runs, ${file.events} events, ${file.findings.length} findings`,
  )
  rmSync(BUNDLE)
  await db.destroy()
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now()
  const result = await work()
  console.log(`To ${what}: ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
  return result
}
