import { sql } from 'kysely'
import { type App, createApp } from '../../app.ts'
import { verifyChain } from '../../compliance/verify/verify-chain.ts'
import { parseSyncConfig } from '../../platform/config/config.ts'
import { migrateUp } from '../../platform/postgres/migrate.ts'
import type { SyncRunRow } from '../../platform/postgres/tables/runs.ts'
import { startEmbeddedPostgres } from '../embedded-postgres/start-embedded-postgres.ts'
import { enqueue } from '../../pipeline/queue/enqueue/enqueue.ts'
import type { Entry } from '../../pipeline/queue/enqueue/entry.ts'
import { annotate } from '../../compliance/history/annotate.ts'
import { createLogger } from '../../platform/logger.ts'
import { readReport } from '../../compliance/report/read/read-report.ts'
import { startSimulator } from '../simulator/simulator.ts'
import { executeRun } from '../../pipeline/run/execute-run.ts'
import { QUESTIONS, TABLES } from './queries.ts'
import type { DemoOutput } from './output.ts'

const IDENTIFIERS = 3000
const OVERRIDDEN_FILES = 6
const API_KEY = 'demo-key'

export interface DemoOptions {
  readonly signal: AbortSignal
  readonly output: DemoOutput
  /** Called at the end. The database and the API keep running until its promise resolves. */
  readonly linger: (connection: DemoConnection) => Promise<void>
}

/** The demo's database and API. */
interface DemoConnection {
  readonly databaseUrl: string
  readonly apiUrl: string
  readonly apiKey: string
}

/** Runs the whole product on a temporary PostgreSQL and a simulated API, which are removed at the end in any case. */
export async function runDemo({ signal, output, linger }: DemoOptions): Promise<void> {
  await using postgres = await startEmbeddedPostgres()
  signal.throwIfAborted()
  await using simulator = await startSimulator({ apiKey: API_KEY })
  const connection = { databaseUrl: postgres.url(), apiUrl: simulator.apiUrl, apiKey: API_KEY }
  await using app = createApp(demoConfig(connection), {
    logger: createLogger({ level: 'silent', terminal: false }),
  })
  output.started(await migrateUp(app.db), simulator.apiUrl)

  const identifiers = simulator.world.register({ count: IDENTIFIERS })
  const options = { media: 'audio', priority: 0, source: null }
  output.enqueued(await enqueue(app.db, demoEntries(identifiers), options))
  output.firstRunEnded(await executeDemoRun(app, signal, false))

  const files = await filesToOverride(app)
  await postOverrides(connection, files)
  const flipped = files.reduce((sum, { submissions }) => sum + submissions, 0)
  simulator.world.completeAll()
  output.overridden(files.length, flipped, await refreshPending(app))
  output.secondRunEnded(await executeDemoRun(app, signal, true))

  await explainOverride(app, files[0]?.file_hash ?? '')
  // A run without changes, so that the changes before it lie between two known times.
  await executeDemoRun(app, signal, true)
  output.reported(
    await readReport(app.db, { media: 'audio', from: null, to: null, asOf: null }),
    await verifyChain(app.db),
  )

  output.tablesCounted(await countRows(app))
  for (const { question, sql: text } of QUESTIONS) {
    signal.throwIfAborted()
    output.queried(
      question,
      text,
      (await sql.raw<Record<string, string | number | null>>(text).execute(app.db)).rows,
    )
  }
  await linger(connection)
}

function demoConfig({ databaseUrl, apiUrl, apiKey }: DemoConnection) {
  return parseSyncConfig({
    DATABASE_URL: databaseUrl,
    IDENTIFAI_API_URL: apiUrl,
    IDENTIFAI_API_KEY: apiKey,
    // The simulated API has no quota here. The real one allows 2 requests per second and 60 per minute.
    SYNC_REQUESTS_PER_SECOND: '1000',
    SYNC_REQUESTS_PER_MINUTE: '60000',
  })
}

const SOURCES = ['calls', 'voice notes', 'evidence']
const FIRST_SUBMITTED = Date.UTC(2026, 5, 1)
const MINUTES_APART = 13

/** The demo's submissions: four weeks of June 2026 from three sources. For some, the time or the source is unknown. */
async function* demoEntries(identifiers: readonly string[]): AsyncGenerator<Entry> {
  for (const [position, identifier] of identifiers.entries()) {
    const submitted = new Date(FIRST_SUBMITTED + position * MINUTES_APART * 60_000)
    yield {
      line: position + 1,
      identifier,
      submittedAt: position % 20 === 19 ? null : submitted.toISOString(),
      source: position % 25 === 24 ? null : (SOURCES[position % SOURCES.length] ?? null),
    }
  }
}

async function executeDemoRun(app: App, signal: AbortSignal, refreshAll: boolean): Promise<SyncRunRow> {
  const { run, failure } = await executeRun(app, { trigger: 'demo', signal, refreshAll })
  signal.throwIfAborted()
  if (failure !== undefined) throw failure
  return run
}

/** Overrides files through the API, against the verdict of the machine. */
async function postOverrides(
  { apiUrl, apiKey }: DemoConnection,
  files: readonly { readonly file_hash: string }[],
): Promise<void> {
  for (const { file_hash } of files) {
    const response = await fetch(`${apiUrl}/classification_audio/${file_hash}/override`, {
      method: 'POST',
      headers: { 'x-api-key': apiKey, 'content-type': 'application/json' },
      body: JSON.stringify({ classification: 'human' }),
    })
    if (!response.ok) throw new Error(`The simulated API responded to an override with ${response.status}.`)
  }
}

/** Notes who overrode a file, and why. */
async function explainOverride(app: App, fileHash: string): Promise<void> {
  await annotate(app.db, {
    media: 'audio',
    file_hash: fileHash,
    forced_to: 'human',
    author: 'A. Rossi',
    reason: 'the caller was called back',
    ticket: 'FRAUD-1182',
    reviewer: null,
  })
}

/** Finds files that the machine classified as artificial and that are not forced, those with most submissions first. */
async function filesToOverride(app: App): Promise<{ file_hash: string; submissions: number }[]> {
  const { rows } = await sql<{ file_hash: string; submissions: number }>`
    select c.file_hash, count(*) as submissions
    from identifai.classifications c
    join identifai.verdicts v on v.classification_id = c.classification_id and v.kind = 'main'
    where v.classification = 'artificial' and c.force_classification is null
    group by c.file_hash order by submissions desc, c.file_hash limit ${OVERRIDDEN_FILES}`.execute(app.db)
  return rows
}

/** Requests a refresh of the pending identifiers, as an application does when it knows that results are ready. */
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
