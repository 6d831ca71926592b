import { sql } from 'kysely'
import { expect, it } from 'vitest'
import type { JsonObject } from '../../../../src/platform/json.ts'
import { argumentEntries } from '../../../../src/pipeline/queue/input/read-arguments.ts'
import { requeue } from '../../../../src/pipeline/queue/requeue.ts'
import { applyReplay, surveyReplay } from '../../../../src/pipeline/replay/replay.ts'
import type { ReplayOptions } from '../../../../src/pipeline/replay/options.ts'
import { startCannedApi } from '../../../support/canned-api.ts'
import { benchAgainst } from '../../../support/bench-against.ts'
import { expectTruth } from '../../../support/expect-truth.ts'
import { createTestApp, type TestApp } from '../../../support/test-app.ts'

const ALL: ReplayOptions = { since: null, signal: new AbortController().signal }

async function run({ app }: TestApp, ...statements: string[]) {
  for (const statement of statements) await sql.raw(statement).execute(app.db)
}

async function countRevisions({ app }: TestApp): Promise<number> {
  const { rows } = await sql<{
    n: number
  }>`select count(*) as n from identifai.classification_revisions`.execute(app.db)
  return rows[0]?.n ?? Number.NaN
}

it('reports the rows that an older normalizer wrote differently, and then rewrites them, without a revision or a request', async () => {
  await using bench = await createTestApp({ world: { seed: 5 } })
  const identifiers = await bench.load({ count: 450 })
  await run(
    bench,
    `update identifai.classifications set name = 'older', extra = '{"/name": "as it was"}' where classification_id <= 3`,
    `update identifai.verdicts set confidence = confidence / 2 where classification_id in (3, 4) and kind = 'main'`,
    `delete from identifai.model_results where (classification_id, result_no) in (
       select 405, min(result_no) from identifai.model_results where classification_id = 405)`,
    // As if later responses had brought other links: their digests differ from those of the stored payloads.
    `update identifai.classifications set result_url = 'https://new.example/' || classification_id::text`,
    `update identifai.identifiers set record_digest = sha256('another')`,
  )
  const survey = await surveyReplay(bench.app, ALL)
  expect(survey).toMatchObject({ examined: 450, unchanged: 445, changed: 5, rejected: 0, without_payload: 0 })
  expect(survey.columns).toEqual([
    { column: 'classifications.extra', classifications: 3 },
    { column: 'classifications.name', classifications: 3 },
    { column: 'verdicts.confidence', classifications: 2 },
    { column: 'model_results', classifications: 1 },
  ])
  // Ids follow the order of the names.
  const first = identifiers.toSorted()[0] as string
  expect(survey.samples).toContainEqual({
    identifier: first,
    column: 'classifications.name',
    row: null,
    before: 'older',
    after: bench.simulator.world.truth(first)?.name ?? null,
  })
  expect(await surveyReplay(bench.app, ALL)).toEqual(survey)

  const { requests } = bench.simulator.stats
  expect(await applyReplay(bench.app, ALL)).toEqual({ rewritten: 5, run: null })
  expect(await surveyReplay(bench.app, ALL)).toMatchObject({ unchanged: 450, changed: 0, samples: [] })
  const { rows: links } = await sql<{ kept: boolean }>`
    select distinct result_url = 'https://new.example/' || classification_id as kept from identifai.classifications`.execute(
    bench.app.db,
  )
  expect(links).toEqual([{ kept: true }])
  expect(await countRevisions(bench)).toBe(450)
  expect(bench.simulator.stats.requests).toBe(requests)
  await bench.run({ refreshAll: true })
  await expectTruth(bench.database.db, bench.simulator.world, identifiers)
})

it('reads only the payloads received since a time', async () => {
  await using bench = await createTestApp()
  await bench.load({ count: 20 })
  await run(
    bench,
    `update identifai.classifications set name = 'older'`,
    `update identifai.classifications set observed_at = '2026-01-31T23:59:59.999999Z' where classification_id <= 5`,
    `update identifai.classifications set observed_at = '2026-02-01T00:00:00Z' where classification_id > 5`,
  )
  const since = { ...ALL, since: '2026-02-01T00:00:00Z' }
  expect(await surveyReplay(bench.app, since)).toMatchObject({ examined: 15, changed: 15 })
  expect(await applyReplay(bench.app, since)).toMatchObject({ rewritten: 15 })
  expect(await surveyReplay(bench.app, ALL)).toMatchObject({ examined: 20, changed: 5 })
})

it('loads the records of an identifier in order, and none if the API refused the last request', async () => {
  let recordOf: (identifier: string) => JsonObject | number = () => ({ status: 'done' })
  await using bench = await benchAgainst((identifiers, response) => {
    const found = identifiers.map((identifier) => [identifier, recordOf(identifier)] as const)
    const refused = found.find(([, record]) => typeof record === 'number')
    if (!refused) return found.map(([identifier, record]) => ({ identifier, ...(record as JsonObject) }))
    return void response.writeHead(Number(refused[1])).end('{"message": "no"}')
  })
  const requestAgain = async (next: typeof recordOf) => {
    recordOf = next
    await requeue(bench.app.db, argumentEntries(['twice', 'refused']))
    await bench.run()
  }
  await bench.enqueue(['twice', 'refused', 'other'])
  await bench.run()
  await requestAgain(() => ({ status: 123456, force_classification: 'human' }))
  // A refusal of all requests of a run makes it request the other identifier, too.
  const last: Readonly<Record<string, JsonObject | number>> = { twice: { status: 123456 }, refused: 404 }
  await requestAgain((identifier) => last[identifier] ?? { status: 'done' })
  await run(bench, `update identifai.quarantined_payloads set payload = replace(payload, '123456', '"done"')`)
  const before = await bench.app.db
    .selectFrom('identifai.identifiers')
    .selectAll()
    .where('identifier', '=', 'refused')
    .executeTakeFirst()

  expect(await surveyReplay(bench.app, ALL)).toMatchObject({ quarantined: 1, quarantined_fitting: 1 })
  const applied = await applyReplay(bench.app, ALL)
  expect(applied.run).toMatchObject({
    status: 'succeeded',
    claimed: 2,
    changed: 2,
    force_changes: 2,
    released: 0,
  })
  const { rows: history } = await sql`
    select r.causes, r.observed_at = q.received_at as "whenReceived",
      r.previous_confirmed_at = lag(q.requested_at) over (order by r.revision_no) as "sinceRequested"
    from identifai.classification_revisions r
    left join identifai.quarantined_payloads q on q.identifier = r.identifier and q.received_at = r.observed_at
    where r.identifier = 'twice' order by r.revision_no`.execute(bench.app.db)
  expect(history).toEqual([
    { causes: ['first_seen'], whenReceived: null, sinceRequested: null },
    { causes: ['forced'], whenReceived: true, sinceRequested: null },
    { causes: ['unforced'], whenReceived: true, sinceRequested: true },
  ])
  const after = await bench.app.db
    .selectFrom('identifai.identifiers')
    .selectAll()
    .where('identifier', '=', 'refused')
    .executeTakeFirst()
  expect(after).toEqual(before)
})

it('continues after an interruption, and counts the work of both runs', async () => {
  let status: string | number = 'done'
  let force: string | null = null
  await using bench = await benchAgainst((identifiers) =>
    identifiers.map((identifier) => ({ identifier, status, force_classification: force })),
  )
  await bench.enqueue(['a'])
  await bench.run()
  status = 123456
  for (force of ['human', null]) {
    await requeue(bench.app.db, argumentEntries(['a']))
    await bench.run()
  }
  await run(
    bench,
    `update identifai.quarantined_payloads set payload = replace(payload, '123456', '"done"')`,
    `create function public.fail() returns trigger language plpgsql as $$ begin
       if new.revision_no = 3 then raise exception 'made to fail' using errcode = 'XX000'; end if;
       return new;
     end $$`,
    `create trigger fail before insert on identifai.classification_revisions for each row execute function public.fail()`,
  )
  await expect(applyReplay(bench.app, ALL)).rejects.toThrow('made to fail')
  const failed = await bench.app.db
    .selectFrom('identifai.sync_runs')
    .selectAll()
    .where('status', '=', 'failed')
    .executeTakeFirst()
  expect(failed).toMatchObject({ error: 'made to fail', claimed: 2, done: 1, released: 1 })
  const { rows } = await sql`select state, leased_by from identifai.identifiers`.execute(bench.app.db)
  expect(rows).toEqual([{ state: 'quarantined', leased_by: null }])

  await run(bench, 'drop trigger fail on identifai.classification_revisions')
  expect((await applyReplay(bench.app, ALL)).run).toMatchObject({
    status: 'succeeded',
    claimed: 1,
    force_changes: 1,
  })
  const history = await bench.app.db
    .selectFrom('identifai.classification_revisions')
    .select('causes')
    .orderBy('revision_no')
    .execute()
  expect(history.map(({ causes }) => causes)).toEqual([['first_seen'], ['forced'], ['unforced']])
})

it('does not change rows whose payload was pruned or no longer fits the contract', async () => {
  await using bench = await createTestApp()
  await bench.load({ count: 10 })
  await run(
    bench,
    `update identifai.classifications set name = 'older'`,
    // Only a superuser who disables its triggers can change history.
    `set session_replication_role = replica;
     delete from identifai.revision_payloads where classification_id = 1;
     update identifai.revision_payloads set payload = replace(payload::text, '"done"', '123456')::json where classification_id = 2;
     set session_replication_role = origin`,
  )
  const expected = { examined: 10, changed: 8, rejected: 1, without_payload: 1 }
  expect(await surveyReplay(bench.app, ALL)).toMatchObject(expected)
  expect(await applyReplay(bench.app, ALL)).toMatchObject({ rewritten: 8 })
  const { rows } = await sql`
    select classification_id as id from identifai.classifications where name = 'older' order by 1`.execute(
    bench.app.db,
  )
  expect(rows).toEqual([{ id: 1 }, { id: 2 }])
})

it('loads quarantined records that fit by now, observed when they were received', async () => {
  const records = new Map<string, JsonObject>()
  await using api = await startCannedApi((identifiers) =>
    identifiers.map((identifier) => ({ identifier, status: 'done', ...records.get(identifier) })),
  )
  await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
  await bench.enqueue(['forced', 'new', 'broken', 'requeued', 'fine'])
  for (const identifier of ['new', 'broken', 'requeued']) records.set(identifier, { status: 123456 })
  await bench.run()
  records.set('forced', { status: 123456, force_classification: 'human' })
  await bench.makeAllDue()
  await bench.run()
  // This replaces a newer contract, which accepts these records.
  await run(
    bench,
    `update identifai.quarantined_payloads set payload = replace(payload, '123456', '"done"') where identifier <> 'broken'`,
    `update identifai.quarantined_payloads set received_at = '2026-01-31T00:00:00Z' where identifier = 'requeued'`,
    `update identifai.identifiers set state = 'pending', due_at = now() where identifier = 'requeued'`,
  )
  expect(await surveyReplay(bench.app, ALL)).toMatchObject({ quarantined: 3, quarantined_fitting: 2 })
  const requests = api.requests.length
  const applied = await applyReplay(bench.app, ALL)
  expect(applied.rewritten).toBe(0)
  expect(api.requests.length).toBe(requests)

  expect(applied.run).toMatchObject({
    status: 'succeeded',
    requests: 0,
    claimed: 2,
    returned: 2,
    done: 2,
    changed: 2,
    force_changes: 1,
    quarantined_count: 1,
  })
  const { rows: history } = await sql`
    select r.identifier, r.revision_no, r.causes, r.observed_at = q.received_at as "whenReceived",
      r.previous_confirmed_at < f.observed_at as "honestBound",
      i.state, i.leased_by, i.last_error, q.resolved_at is not null as resolved
    from identifai.classification_revisions r
    join identifai.quarantined_payloads q using (identifier)
    join identifai.identifiers i using (identifier)
    left join identifai.classification_revisions f
      on f.classification_id = r.classification_id and f.revision_no = r.revision_no - 1
    where r.run_id = ${applied.run?.run_id} order by 1`.execute(bench.app.db)
  const finished = { whenReceived: true, state: 'done', leased_by: null, last_error: null, resolved: true }
  expect(history).toEqual([
    { ...finished, identifier: 'forced', revision_no: 2, causes: ['forced'], honestBound: true },
    { ...finished, identifier: 'new', revision_no: 1, causes: ['first_seen'], honestBound: null },
  ])
  // Nothing is left to load, and the next run requests the requeued identifier.
  expect(await applyReplay(bench.app, ALL)).toEqual({ rewritten: 0, run: null })
  expect((await bench.app.db.selectFrom('identifai.sync_runs').select('run_id').execute()).length).toBe(3)
})
