import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { type App, createApp } from '../../app.ts'
import { annotate } from '../../compliance/history/annotate.ts'
import { readReport } from '../../compliance/report/read/read-report.ts'
import { verifyChain } from '../../compliance/verify/verify-chain.ts'
import { enqueue } from '../../pipeline/queue/enqueue.ts'
import type { Entry } from '../../pipeline/queue/input/entry.ts'
import { executeRun } from '../../pipeline/run/execute-run.ts'
import { parseSyncConfig } from '../../platform/config/config.ts'
import { createLogger } from '../../platform/logger.ts'
import { migrateUp } from '../../platform/postgres/migrate.ts'
import type { SyncRunRow } from '../../platform/postgres/tables/runs.ts'
import { count, counted, textTable } from '../../platform/terminal/text.ts'
import { timeText } from '../../platform/time.ts'
import { startEmbeddedPostgres } from '../embedded-postgres/start-embedded-postgres.ts'
import { startSimulator } from '../simulator/simulator.ts'
import { QUESTIONS, TABLES } from './queries.ts'

const IDENTIFIERS = 3000
const OVERRIDDEN_FILES = 6
const API_KEY = 'demo-key'

export interface DemoOptions {
  readonly signal: AbortSignal
  /** Prints the steps, for a reader who does not know the product. */
  readonly print: (text: string) => void
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
export async function runDemo({ signal, print, linger }: DemoOptions): Promise<void> {
  let step = 0
  const heading = (text: string) => print(`\n${++step}. ${text}`)
  const line = (text: string) => print(`   ${text}`)
  await using postgres = await startEmbeddedPostgres()
  signal.throwIfAborted()
  await using simulator = await startSimulator({ apiKey: API_KEY })
  const connection = { databaseUrl: postgres.url(), apiUrl: simulator.apiUrl, apiKey: API_KEY }
  await using app = createApp(demoConfig(connection), {
    logger: createLogger({ level: 'silent', terminal: false }),
  })
  const { length: steps } = await migrateUp(app.db)
  heading('Start: a temporary PostgreSQL, a simulated identifAI API, the tables.')
  line(`${counted(steps, 'migration')} applied to the schema identifai. The API is at ${simulator.apiUrl}.`)

  const identifiers = simulator.world.register({ count: IDENTIFIERS })
  const options = { media: 'audio', priority: 0, source: null }
  const { added } = await enqueue(app.db, demoEntries(identifiers), options)
  heading('Enqueue: an application has submitted audio and enqueues the identifiers.')
  line(`${counted(added, 'identifier')} added to identifai.identifiers. All are pending.`)

  const first = await executeDemoRun(app, signal, false)
  heading('First run: request all of them, 100 per request.')
  print(runTable(first))
  line(`${count(first.pending)} analyses have not finished yet. A later run requests them again.`)

  const files = await filesToOverride(app)
  await postOverrides(connection, files)
  const flipped = files.reduce((sum, { submissions }) => sum + submissions, 0)
  simulator.world.completeAll()
  const refreshRequests = await refreshPending(app)
  heading('Meanwhile: the analyses finish, and some verdicts are overridden.')
  line(
    `${counted(files.length, 'file')} forced to "human" by file hash, which changes ${counted(flipped, 'identifier')}. The API does not report it.`,
  )
  line(
    `An application requests a refresh of the ${count(refreshRequests)} pending identifiers: select identifai.request_refresh('<identifier>').`,
  )

  const second = await executeDemoRun(app, signal, true)
  heading(
    'Second run: the pending identifiers, and all finished ones again, because finished results can change.',
  )
  print(runTable(second))
  line(`${count(second.unchanged)} are unchanged: the run wrote only their rows in identifai.identifiers.`)
  line(`${counted(second.force_changes, 'forced classification')} found, each between two known times.`)

  const file_hash = files[0]?.file_hash ?? ''
  const note = {
    author: 'A. Rossi',
    reason: 'the caller was called back',
    ticket: 'FRAUD-1182',
    reviewer: null,
  }
  await annotate(app.db, [{ media: 'audio', file_hash, forced_to: 'human', ...note }])
  // A run without changes, a second later, so that the changes before it are in the period of the report to the second.
  await sleep(1000, undefined, { signal })
  await executeDemoRun(app, signal, true)
  heading('Report on forced labels: one decision has a note with its author and reason.')
  for (const text of await reportLines(app)) print(text)

  heading('The tables and their contents:')
  print(textTable(await countRows(app), '   '))
  heading('Query it with SQL:')
  for (const { question, sql: text } of QUESTIONS) {
    signal.throwIfAborted()
    const { rows } = await sql.raw<Record<string, string | number | null>>(text).execute(app.db)
    print(`\n   ${question}\n\n${text.replaceAll(/^/gm, '     ')}\n\n${textTable(rows, '   ')}`)
  }
  await linger(connection)
}

function runTable(run: SyncRunRow): string {
  const { requests, claimed: identifiers, done, errored, pending, changed, unchanged, status } = run
  return textTable([{ requests, identifiers, done, errored, pending, changed, unchanged, status }], '   ')
}

async function reportLines({ db }: App): Promise<string[]> {
  const { decisions, summary } = await readReport(db, { media: 'audio', from: null, to: null, asOf: null })
  const { revisions, findings } = await verifyChain(db)
  const table = decisions.map((decision) => ({
    file: `${decision.file_hash?.slice(0, 8)}…`,
    forced_to: decision.forced_to,
    not_before: decision.not_before && timeText(decision.not_before),
    not_after: timeText(decision.not_after, 'up'),
    identifiers: decision.identifiers,
    explanation: decision.explanation,
    author: decision.notes[0]?.author ?? null,
  }))
  return [
    textTable(table, '   '),
    `   ${count(summary.period.unexplained)} decisions have no explanation. ${count(summary.period.against_machine_confidence_090)} identifiers were forced against a machine confidence of 0.9 or more.`,
    `   All ${count(revisions)} revisions were verified: ${findings.length === 0 ? 'the history is as it was sealed.' : `${findings.length} differ from their seals.`}`,
    '   The full report as a page: report forced --format html --output report.html',
  ]
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
  const contents = []
  for (const [table, holds] of TABLES) {
    const { rows } = await sql<{ rows: number; holds: string }>`
      select count(*) as rows, ${holds} as holds from ${sql.table(`identifai.${table}`)}`.execute(app.db)
    for (const row of rows) contents.push({ table, ...row })
  }
  return contents
}
