import { verifyChain } from '../../src/compliance/verify/verify-chain.ts'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../../src/platform/json.ts'
import { audioEndpoint } from '../../src/media/audio/endpoint.ts'
import { readClock, utcText } from '../../src/platform/postgres/clock.ts'
import { type CannedApi, startCannedApi } from '../support/canned-api.ts'
import { readContentRows } from '../support/read-rows.ts'
import { meaning } from '../support/meaning.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'

interface Revision {
  readonly revision_no: number
  readonly causes: string[]
  readonly status: string
  readonly force_classification: string | null
  readonly observed_at: string
  readonly previous_confirmed_at: string | null
  readonly hasPayload: boolean
}

const done = {
  identifier: 'a',
  hash: 'hash-1',
  status: 'done',
  name: 'call.wav',
  result_url: 'https://dashboard.example/1',
  verdict: { heuristic: 'Majority', confidence: 0.9, classification: 'artificial' },
  results: [{ model: 'x', classification: [{ label: 'human', score: 0.1 }] }],
  details: { clips: [{ index: 0 }, { index: 1 }] },
}
const again = { identifier: 'a', hash: 'hash-1', status: 'new' }

/** One identifier, `a`, and an API that returns the records of `served`. */
describe('the history of an identifier', () => {
  let api: CannedApi
  let bench: TestApp
  let served: Json[]
  /** Times of the clock of the database when each request had arrived, and when its response left. */
  let exchanges: { readonly arrived: string; readonly left: string }[]

  beforeEach(async () => {
    exchanges = []
    api = await startCannedApi((_, response) => {
      void (async () => {
        const arrived = await readClock(bench.database.db)
        const left = await readClock(bench.database.db)
        exchanges.push({ arrived, left })
        response.setHeader('content-type', 'application/json').end(JSON.stringify(served))
      })()
      return undefined
    })
    bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
    await bench.enqueue(['a'])
  })
  afterEach(async () => {
    await bench[Symbol.asyncDispose]()
    await api[Symbol.asyncDispose]()
  })

  /** Serves these records to a run. Reads the row of the identifier, and when its only request can have left. */
  async function sync(...records: Json[]) {
    served = records
    await bench.makeAllDue()
    const began = await readClock(bench.database.db)
    const before = exchanges.length
    await bench.run()
    expect(exchanges).toHaveLength(before + 1)
    const { rows } = await sql<{ state: string; absences: number }>`
      select state, absences from identifai.identifiers where identifier = 'a'`.execute(bench.app.db)
    return { ...rows[0], began, ...(exchanges.at(-1) as (typeof exchanges)[number]) }
  }

  /** Expects that a change is bounded by the request of the former content and the response of the new one. */
  async function expectBounds(
    revision: Revision | undefined,
    former: { readonly began: string; readonly arrived: string },
    next: { readonly left: string },
  ) {
    const now = await readClock(bench.database.db)
    const { previous_confirmed_at: from, observed_at: to } = revision ?? {}
    const times = [former.began, from, former.arrived, next.left, to, now]
    expect(times).toEqual(times.map(String).toSorted())
    expect(new Set(times).size).toBe(times.length)
  }

  async function revisions(): Promise<Revision[]> {
    const { rows } = await sql<Revision>`
      select r.revision_no, r.causes, r.status, r.force_classification, ${utcText(sql`r.observed_at`)} as observed_at,
        ${utcText(sql`r.previous_confirmed_at`)} as previous_confirmed_at, p.payload is not null as "hasPayload"
      from identifai.classification_revisions r left join identifai.revision_payloads p using (classification_id, revision_no)
      order by r.revision_no`.execute(bench.app.db)
    return rows
  }

  async function current(): Promise<JsonObject> {
    const rows = (await readContentRows(bench.app.db)).get('a')
    if (!rows) throw new Error('no rows')
    return audioEndpoint.denormalize(rows)
  }

  it('gets a revision for each distinct content, and the rows of the latest', async () => {
    await sync(again)
    await sync(done)
    await sync(done)
    const forced = { ...done, force_classification: 'human', details: { clips: [{ index: 7 }] } }
    await sync(forced)
    expect((await revisions()).map(({ revision_no, causes }) => [revision_no, causes])).toEqual([
      [1, ['first_seen']],
      [2, ['status_changed']],
      [3, ['forced', 'details_changed']],
    ])
    expect(meaning(await current())).toBe(meaning(forced))
  })

  it('gets revisions with the time of submission that was known then', async () => {
    const submitted = async (at: string) =>
      sql`update identifai.identifiers set submitted_at = ${at}`.execute(bench.app.db)
    await sync(again)
    await submitted('2026-05-01Z')
    await sync(done)
    await submitted('2026-05-02Z')
    const { rows } = await sql`
      select submitted_at from identifai.classification_revisions order by revision_no`.execute(bench.app.db)
    expect(rows).toEqual([{ submitted_at: null }, { submitted_at: new Date('2026-05-01Z') }])
  })

  it.each([
    ['finished', done, { ...done, force_classification: 'human' }],
    ['unfinished', again, { ...again, name: 'call.wav' }],
  ])(
    'bounds each change of %s content between the last request that brought the old one and the first response with the new',
    async (_, former, latter) => {
      await sync(former)
      const confirmed = await sync(former)
      const next = await sync(latter)
      const [first, second] = await revisions()
      expect(first?.previous_confirmed_at).toBeNull()
      await expectBounds(second, confirmed, next)
    },
  )

  it('keeps the finished rows while an analysis runs again, and bounds a force by the finished record before it', async () => {
    const confirmed = await sync(done)
    expect(await sync(again)).toMatchObject({ state: 'done' })
    expect(meaning(await current())).toBe(meaning(done))
    await sync(again)
    const next = await sync({ ...done, force_classification: 'human' })
    const history = await revisions()
    expect(history.map(({ causes }) => causes)).toEqual([
      ['first_seen'],
      ['status_changed'],
      ['status_changed', 'forced'],
    ])
    await expectBounds(history[2], confirmed, next)
  })

  it('compares a force with that of the last finished record, also where that is errored', async () => {
    const forced = { ...done, force_classification: 'human' }
    await sync(done)
    await sync({ ...forced, status: 'errored' })
    await sync(again)
    await sync(forced)
    expect((await revisions()).map(({ causes }) => causes)).toEqual([
      ['first_seen'],
      ['status_changed', 'forced'],
      ['status_changed'],
      ['status_changed'],
    ])
  })

  it('appends only the analysis itself when a new analysis ends as the old one did', async () => {
    await sync(done)
    await sync(again)
    await sync(done)
    expect((await revisions()).map(({ causes, status }) => [status, causes])).toEqual([
      ['done', ['first_seen']],
      ['new', ['status_changed']],
      ['done', ['status_changed']],
    ])
    expect(meaning(await current())).toBe(meaning(done))
  })

  it('records a disappearance at the fifth absence, once, and the return', async () => {
    await sync(done)
    for (let absence = 1; absence <= 4; absence++)
      expect(await sync()).toMatchObject({ state: 'done', absences: absence })
    expect(await sync()).toMatchObject({ state: 'missing', absences: 5 })
    expect(await sync()).toMatchObject({ state: 'missing', absences: 6 })
    expect(await sync(done)).toMatchObject({ state: 'done', absences: 0 })
    const history = await revisions()
    expect(history.map(({ causes, hasPayload }) => [causes, hasPayload])).toEqual([
      [['first_seen'], true],
      [['disappeared'], false],
      [['reappeared'], true],
    ])
    expect(meaning(await current())).toBe(meaning(done))
    expect((await verifyChain(bench.app.db)).findings).toEqual([])
  })

  it('records no second disappearance of an identifier that has not returned', async () => {
    await sync(done)
    for (let absence = 1; absence <= 5; absence++) await sync()
    // As after a quarantine and `requeue`.
    await sql`update identifai.identifiers set state = 'pending', absences = 0`.execute(bench.app.db)
    for (let absence = 1; absence <= 5; absence++) await sync()
    expect((await revisions()).map(({ causes }) => causes)).toEqual([['first_seen'], ['disappeared']])
  })

  it('records a force that happened during the absence as a change of the content before', async () => {
    const confirmed = await sync(done)
    for (let absence = 1; absence <= 5; absence++) await sync()
    const next = await sync({ ...done, force_classification: 'human' })
    const [, , third] = await revisions()
    expect(third?.causes).toEqual(['reappeared', 'forced'])
    await expectBounds(third, confirmed, next)
  })

  it('bounds a force by the finished record, although the identifier disappeared while an analysis ran again', async () => {
    const confirmed = await sync(done)
    await sync(again)
    for (let absence = 1; absence <= 5; absence++) await sync()
    const next = await sync({ ...done, force_classification: 'human' })
    const history = await revisions()
    expect(history.map(({ causes }) => causes)).toEqual([
      ['first_seen'],
      ['status_changed'],
      ['disappeared'],
      ['reappeared', 'status_changed', 'forced'],
    ])
    await expectBounds(history[3], confirmed, next)
  })

  it('keeps the link of the finished content while an analysis runs again', async () => {
    await sync(done)
    await sync(again)
    await sync(again)
    expect(await current()).toMatchObject({ result_url: done.result_url })
  })

  it('keeps force and status although their payload was pruned', async () => {
    await sync({ ...done, force_classification: 'human' })
    for (let absence = 1; absence <= 5; absence++) await sync()
    await sql`delete from identifai.revision_payloads`.execute(bench.app.db)
    await sync({ ...done, force_classification: 'human', name: 'other.wav' })
    await sql`delete from identifai.revision_payloads`.execute(bench.app.db)
    await sync(again)
    await sync(again)
    expect(meaning(await current())).toBe(
      meaning({ ...done, force_classification: 'human', name: 'other.wav' }),
    )
    await sync({ ...done, name: 'third.wav' })
    expect((await revisions()).map(({ causes }) => causes)).toEqual([
      ['first_seen', 'already_forced'],
      ['disappeared'],
      ['reappeared', 'details_changed'],
      ['status_changed'],
      ['status_changed', 'unforced', 'details_changed'],
    ])
  })

  it('treats minus zero as zero', async () => {
    const zero = (confidence: number) => ({ ...done, verdict: { ...done.verdict, confidence } })
    await sync(zero(-0))
    await sync({ ...zero(-0), force_classification: 'human' })
    expect((await revisions()).map(({ causes }) => causes)).toEqual([['first_seen'], ['forced']])
  })

  it('updates a new link in place, without a revision', async () => {
    await sync(done)
    await sync({ ...done, result_url: 'https://dashboard.example/2' })
    expect(await revisions()).toHaveLength(1)
    expect(await current()).toMatchObject({ result_url: 'https://dashboard.example/2' })
  })

  it('has no revision because of a new digest version, also while an analysis runs again', async () => {
    const running = { ...done, status: 'new', verdict: null }
    await sync(done)
    await sync(running)
    await bench.app.db.transaction().execute(async (trx) => {
      await sql`alter table identifai.personal_values disable trigger user`.execute(trx)
      await sql`update identifai.personal_values set digest_version = 0, content_digest = repeat('0', 64)`.execute(
        trx,
      )
      await sql`alter table identifai.personal_values enable trigger user`.execute(trx)
    })
    // Written in another order, so that the record is read.
    await sync(Object.fromEntries(Object.entries(running).toReversed()))
    expect(await revisions()).toHaveLength(2)
    await sync({ ...running, name: 'other.wav' })
    expect((await revisions()).map(({ causes }) => causes)).toEqual([
      ['first_seen'],
      ['status_changed'],
      ['metadata_changed'],
    ])
  })

  it('keeps its rows and the payload when a record does not fit the contract, and resolves the quarantine later', async () => {
    await sync(done)
    const broken = { ...done, status: 5, verdict: { confidence: 'high' } }
    expect(await sync(broken)).toMatchObject({ state: 'quarantined' })
    expect(meaning(await current())).toBe(meaning(done))
    const evidence = () =>
      sql<{ reason: string; issues: { path: string }[]; payload: string; resolved: boolean }>`
        select reason, issues, payload, resolved_at is not null as resolved from identifai.quarantined_payloads`.execute(
        bench.app.db,
      )
    const [kept] = (await evidence()).rows
    expect(kept).toMatchObject({ reason: 'invalid_payload', resolved: false })
    expect(kept?.issues.map(({ path }) => path)).toEqual(['/status', '/verdict/confidence'])
    expect(JSON.parse(kept?.payload ?? '')).toEqual(broken)
    await sql`update identifai.identifiers set state = 'pending', due_at = now()`.execute(bench.app.db)
    expect(await sync(done)).toMatchObject({ state: 'done' })
    expect((await evidence()).rows).toMatchObject([{ resolved: true }])
  })

  it('counts drift in changed contents only', async () => {
    const drifting = { ...done, verdict: { ...done.verdict, classification: 'unsure' }, color: 'red' }
    await sync(drifting)
    await sync(drifting)
    const { rows } =
      await sql`select media, path, kind, occurrences, sample from identifai.schema_drift order by path`.execute(
        bench.app.db,
      )
    expect(rows).toEqual([
      { media: 'audio', path: '/color', kind: 'unknown_field', occurrences: 1, sample: '"red"' },
      {
        media: 'audio',
        path: '/verdict/classification',
        kind: 'unknown_value',
        occurrences: 1,
        sample: '"unsure"',
      },
    ])
  })
})
