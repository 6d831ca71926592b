import { sql } from 'kysely'
import { type App, createApp } from '../../app.ts'
import { audioEndpoint } from '../../media/audio/endpoint.ts'
import { verifyChain } from '../../compliance/verify/verify-chain.ts'
import { parseSyncConfig } from '../../platform/config/config.ts'
import { migrateUp } from '../../platform/postgres/migrate.ts'
import type { SyncRunRow } from '../../platform/postgres/tables/runs.ts'
import { startEmbeddedPostgres } from '../embedded-postgres/start-embedded-postgres.ts'
import { enqueue } from '../../pipeline/queue/enqueue/enqueue.ts'
import { annotate } from '../../compliance/history/annotate.ts'
import { createLogger } from '../../platform/logger.ts'
import { readReport } from '../../compliance/report/read/read-report.ts'
import { startSimulator } from '../simulator/start-simulator.ts'
import { executeRun } from '../../pipeline/run/execute-run.ts'
import { demoEntries } from './demo-entries.ts'
import { QUESTIONS, TABLES } from './queries.ts'
import type { DemoOutput } from './output.ts'

const IDENTIFIERS = 3000
const OVERRIDDEN_FILES = 6
const API_KEY = 'demo-key'

export interface DemoOptions {
  readonly signal: AbortSignal
  readonly output: DemoOutput
  /** Called at the end, while everything still runs; what it waits for keeps it running. */
  readonly linger: (places: DemoPlaces) => Promise<void>
}

/** Where the demo's server and API can be reached. */
interface DemoPlaces {
  readonly databaseUrl: string
  readonly apiUrl: string
  readonly apiKey: string
}

/** The whole product in one go, on throw-away parts that are gone when it returns, throws or is aborted. */
export async function runDemo({ signal, output, linger }: DemoOptions): Promise<void> {
  await using postgres = await startEmbeddedPostgres()
  signal.throwIfAborted()
  await using simulator = await startSimulator({ apiKey: API_KEY })
  const places = { databaseUrl: postgres.url(), apiUrl: simulator.apiUrl, apiKey: API_KEY }
  await using app = createApp(demoConfig(places), {
    logger: createLogger({ level: 'silent', terminal: false }),
  })
  output.started(await migrateUp(app.db), simulator.apiUrl)

  const identifiers = simulator.world.register({ count: IDENTIFIERS })
  const options = { media: 'audio', priority: 0, source: null }
  output.enqueued(await enqueue(app.db, demoEntries(identifiers), options))
  output.firstRun(await run(app, signal, false))

  const files = await filesToOverride(app)
  await postOverrides(places, files)
  const flipped = files.reduce((sum, { submissions }) => sum + submissions, 0)
  simulator.world.completeAll()
  output.meanwhile(files.length, flipped, await refreshPending(app))
  output.secondRun(await run(app, signal, true))

  await explainOverride(app, files[0]?.file_hash ?? '')
  // Another night, without a change: what was seen before lies in the past for certain.
  await run(app, signal, true)
  output.report(
    await readReport(app.db, { media: 'audio', from: null, to: null, asOf: null }),
    await verifyChain(app.db, audioEndpoint),
  )

  output.tables(await countRows(app))
  for (const { question, sql: text } of QUESTIONS) {
    signal.throwIfAborted()
    output.answer(
      question,
      text,
      (await sql.raw<Record<string, string | number | null>>(text).execute(app.db)).rows,
    )
  }
  await linger(places)
}

function demoConfig({ databaseUrl, apiUrl, apiKey }: DemoPlaces) {
  return parseSyncConfig({
    DATABASE_URL: databaseUrl,
    IDENTIFAI_API_URL: apiUrl,
    IDENTIFAI_API_KEY: apiKey,
    // The stand-in API has no quota here; the real one allows 2 a second and 60 a minute.
    SYNC_REQUESTS_PER_SECOND: '1000',
    SYNC_REQUESTS_PER_MINUTE: '60000',
  })
}

async function run(app: App, signal: AbortSignal, refreshAll: boolean): Promise<SyncRunRow> {
  const { run, failure } = await executeRun(app, { trigger: 'demo', signal, refreshAll })
  signal.throwIfAborted()
  if (failure !== undefined) throw failure
  return run
}

/** Overrides files against the machine, as somebody would through the API. */
async function postOverrides(
  { apiUrl, apiKey }: DemoPlaces,
  files: readonly { readonly file_hash: string }[],
): Promise<void> {
  for (const { file_hash } of files) {
    const response = await fetch(`${apiUrl}/classification_audio/${file_hash}/override`, {
      method: 'POST',
      headers: { 'x-api-key': apiKey, 'content-type': 'application/json' },
      body: JSON.stringify({ classification: 'human' }),
    })
    if (!response.ok) throw new Error(`The stand-in API answered ${response.status} to an override.`)
  }
}

/** What somebody notes who knows why a file was overridden. */
async function explainOverride(app: App, fileHash: string): Promise<void> {
  await annotate(app.db, {
    media: 'audio',
    fileHash,
    forcedTo: 'human',
    author: 'A. Rossi',
    reason: 'the caller was called back',
    ticket: 'FRAUD-1182',
    reviewer: null,
  })
}

/** Files that the machine calls artificial and nobody has forced, those submitted more than once first. */
async function filesToOverride(app: App): Promise<{ file_hash: string; submissions: number }[]> {
  const { rows } = await sql<{ file_hash: string; submissions: number }>`
    select c.file_hash, count(*) as submissions
    from identifai.classifications c
    join identifai.verdicts v on v.classification_id = c.classification_id and v.kind = 'main'
    where v.classification = 'artificial' and c.force_classification is null
    group by c.file_hash order by submissions desc, c.file_hash limit ${OVERRIDDEN_FILES}`.execute(app.db)
  return rows
}

/** What another application would do on hearing that results are ready. */
async function refreshPending(app: App): Promise<number> {
  const { rows } = await sql`
    select identifai.request_refresh(identifier) from identifai.identifiers where state = 'pending'`.execute(
    app.db,
  )
  return rows.length
}

async function countRows(app: App): Promise<{ table: string; rows: number; holds: string }[]> {
  const counted = []
  for (const [table, holds] of TABLES) {
    const { rows } = await sql<{
      count: number
    }>`select count(*) from ${sql.table(`identifai.${table}`)}`.execute(app.db)
    counted.push({ table, rows: rows[0]?.count ?? 0, holds })
  }
  return counted
}
