import { inspect } from 'node:util'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { ApiResponseError } from '../../src/platform/errors.ts'
import { createDraw } from '../../src/devkit/simulator/draw.ts'
import { World } from '../../src/devkit/simulator/world.ts'
import { executeRun } from '../../src/pipeline/run/execute-run.ts'
import { dumpTables } from '../support/dump-tables.ts'
import { expectTruth } from '../support/expect-truth.ts'
import { FAULTS, startFaultyApi } from '../support/faulty-api.ts'
import { sampleSize } from '../support/sample-size.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'
import { TEST_SEED } from '../support/test-seed.ts'

const API_KEY = 'matrix-key-6f1d0c'

/** The reaction of a run to the fault. */
type Nature =
  /** The run retries, and releases the batch when that does not help. */
  | 'retried'
  /** The quota is used up, and all processes wait. */
  | 'waited for'
  /** The response makes no sense, and the run stops immediately. */
  | 'final'
  /** The response is usable. The run ignores the records that do not belong to it, with a warning. */
  | 'warned of'
  /** There is no fault. */
  | 'harmless'

const NATURE: Record<keyof typeof FAULTS, Nature> = {
  'connection refused': 'retried',
  'reset before headers': 'retried',
  'reset in the body': 'retried',
  'a drip that outlasts the time limit': 'retried',
  'status 408': 'retried',
  'status 425': 'retried',
  'status 429': 'waited for',
  'status 429 with Retry-After': 'waited for',
  'status 500': 'retried',
  'status 502 with HTML': 'retried',
  'status 503': 'retried',
  'a redirect': 'final',
  'JSON that breaks off': 'retried',
  'JSON that is no array': 'retried',
  'an empty body': 'retried',
  'gzip that breaks off': 'retried',
  'gzip that is whole': 'harmless',
  'a record of another identifier': 'warned of',
  'null entries and a record without a name': 'warned of',
  'records twice, the first of them out of date': 'warned of',
  'another order': 'harmless',
}

const EVENT: Partial<Record<Nature, string>> = {
  retried: 'request failed, retrying',
  'waited for': 'quota exceeded, all processes pause',
  'warned of': 'response records ignored',
}

it.concurrent.each(Object.keys(FAULTS) as (keyof typeof FAULTS)[])(
  '%s at every other request leaves the correct content, a log event for each, and no secret',
  async (name) => {
    const nature = NATURE[name]
    const draw = createDraw('matrix', name, TEST_SEED)
    const lines: string[] = []
    const world = new World({ seed: 11, requestsUntilDone: 0 })
    await using api = await startFaultyApi({
      world,
      fault: FAULTS[name],
      befalls: (request) => request === 1 || draw.chance(0.5),
      refusals: () => lines.filter((line) => line.includes('ECONNREFUSED')).length,
    })
    await using bench = await createTestApp({
      environment: {
        IDENTIFAI_API_URL: api.url,
        IDENTIFAI_API_KEY: API_KEY,
        SYNC_BATCH_SIZE: '10',
        ...(name === 'a drip that outlasts the time limit' && { SYNC_REQUEST_TIMEOUT_MS: '150' }),
        SYNC_RETRIES: '2',
        // The fault can leave out the same identifier in five responses in a row, depending on the order of the requests.
        ...(name === 'a record of another identifier' && { SYNC_MISSING_AFTER: '100' }),
      },
      onLogLine: (line) => lines.push(line),
    })
    const identifiers = world.register({ count: sampleSize(50) })
    await bench.enqueue(identifiers)

    const failures: unknown[] = []
    for (let attempt = 0; attempt < sampleSize(40) && (await unfinished(bench)) > 0; attempt++) {
      const { run, failure } = await executeRun(bench.app, {
        trigger: 'manual',
        signal: new AbortController().signal,
      })
      failures.push(failure)
      expect(run.status === 'failed').toBe(failure !== undefined)
      await expectDocumentedStates(bench, nature)
      await bench.makeAllDue()
    }
    await expectTruth(bench.database.db, world, identifiers)

    expect(api.counts.faults).toBeGreaterThan(0)
    const events = lines.map((line) => JSON.parse(line) as { msg: string; level: string })
    const count = (message: string) => events.filter(({ msg }) => msg === message).length
    const event = EVENT[nature]
    // Each fault has an event: a retry or, after the last one, a released batch. A refused connection has one, too.
    if (nature === 'retried') {
      const logged = count(String(event)) + count('claims released')
      if (name === 'connection refused') expect(logged).toBeGreaterThan(api.counts.faults)
      else if (name.startsWith('status')) expect(logged).toBe(api.counts.faults)
      // A request on a connection that is being reset fails, too, and so does a slow request on a busy machine.
      else expect(logged).toBeGreaterThanOrEqual(api.counts.faults)
    } else if (event) expect(count(event)).toBe(api.counts.faults)
    else expect(events.filter(({ level }) => level === 'warn' && nature === 'harmless')).toEqual([])
    const stops = failures.filter((failure) => failure !== undefined)
    if (nature === 'final') {
      expect(stops.length).toBeGreaterThan(0)
      expect(stops.every((failure) => failure instanceof ApiResponseError)).toBe(true)
    }

    expect([...api.keys]).toEqual([API_KEY])
    const { password } = new URL(bench.database.url)
    const output = [...lines, inspect(failures, { depth: 10 }), await dumpTables(bench.database.db)].join(
      '\n',
    )
    expect(output).toContain(identifiers[0])
    expect(output).not.toContain(API_KEY)
    expect(password).not.toBe('')
    expect(output).not.toContain(password)
  },
)

async function unfinished({ app }: TestApp): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*) as n from identifai.identifiers where state not in ('done', 'errored')`.execute(app.db)
  return rows[0]?.n ?? 0
}

/** Expects that all unfinished identifiers are pending, with the reason, and that none is leased, quarantined or missing. */
async function expectDocumentedStates({ app }: TestApp, nature: Nature): Promise<void> {
  const { rows } = await sql<{
    state: string
    attempts: number
    absences: number
    last_error: string | null
  }>`
    select distinct state, attempts, absences, last_error from identifai.identifiers
    where state not in ('done', 'errored') or leased_by is not null`.execute(app.db)
  for (const row of rows) {
    expect(row.state).toBe('pending')
    if (row.attempts > 0)
      expect([nature, row.last_error]).toEqual(['retried', expect.stringContaining('GET http')])
    if (row.absences > 0)
      expect([nature, row.last_error]).toEqual(['warned of', expect.stringContaining('did not return')])
  }
}
