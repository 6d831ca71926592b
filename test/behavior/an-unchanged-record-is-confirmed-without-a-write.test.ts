import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { recordDigest } from '../../src/pipeline/api/records.ts'
import { startCannedApi } from '../support/canned-api.ts'
import { createTestApp } from '../support/test-app.ts'

/** A pass over everything, and what the ledger then has of the identifier a. */
async function ask(bench: Awaited<ReturnType<typeof createTestApp>>) {
  const run = await bench.run({ refreshAll: true })
  const { rows } = await sql<{ state: string; digest: string | null; confirmed: boolean }>`
    select state, encode(record_digest, 'hex') as digest, last_confirmed_at >= ${run.started_at} as confirmed
    from identifai.identifiers where identifier = 'a'`.execute(bench.app.db)
  return { run, ...rows[0] }
}

it('a finished record that comes again as it was is known by its digest: confirmed, unchanged, and nothing else written', async () => {
  const record = { identifier: 'a', status: 'done', hash: 'h', verdict: { classification: 'human' } }
  await using api = await startCannedApi(() => [record])
  await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
  await bench.enqueue(['a'])
  const digest = recordDigest(JSON.stringify(record))
  expect(await ask(bench)).toMatchObject({ run: { changed: 1 }, state: 'done', digest, confirmed: true })
  // What was read before is not read again: a row that somebody changed would have been noticed as different content.
  await sql`alter table identifai.classification_revisions disable trigger all`.execute(bench.app.db)
  await sql`update identifai.classification_revisions set content_digest = repeat('0', 64)`.execute(
    bench.app.db,
  )
  expect(await ask(bench)).toMatchObject({
    run: { claimed: 1, returned: 1, done: 1, changed: 0, unchanged: 1 },
    state: 'done',
    digest,
    confirmed: true,
  })
})

it('what an earlier version has read is read again', async () => {
  await using api = await startCannedApi(() => [{ identifier: 'a', status: 'done', hash: 'h' }])
  await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
  await bench.enqueue(['a'])
  const first = await ask(bench)
  await sql`update identifai.identifiers set record_digest = sha256('another version')`.execute(bench.app.db)
  await sql`update identifai.classifications set result_url = 'old'`.execute(bench.app.db)
  expect(await ask(bench)).toMatchObject({ run: { unchanged: 1 }, digest: first.digest })
  const { rows } = await sql`select result_url from identifai.classifications`.execute(bench.app.db)
  expect(rows).toEqual([{ result_url: null }])
})

it.each([
  ['it was left out in between', []],
  ['its analysis ran again in between', [{ identifier: 'a', status: 'new' }]],
  ['its record was broken in between', [{ identifier: 'a', status: 'paused' }]],
])('the next record is read, though it is the same as before, when %s', async (_, between) => {
  const done = [{ identifier: 'a', status: 'done', hash: 'h' }]
  let answer: unknown = done
  await using api = await startCannedApi(() => answer)
  await using bench = await createTestApp({
    environment: { IDENTIFAI_API_URL: api.url, SYNC_MISSING_AFTER: '1' },
  })
  await bench.enqueue(['a'])
  const first = await ask(bench)
  answer = between
  expect(await ask(bench)).toMatchObject({ digest: null })
  answer = done
  await sql`update identifai.identifiers set due_at = now(), state = case state when 'done' then state else 'pending' end`.execute(
    bench.app.db,
  )
  expect(await ask(bench)).toMatchObject({ state: 'done', digest: first.digest })
})

it('a number beyond double precision is not taken for the null that its text would be', async () => {
  let score = 'null'
  await using api = await startCannedApi(
    () => `[{"identifier":"a","status":"done","verdict":{"confidence":${score}}}]`,
  )
  await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
  await bench.enqueue(['a'])
  await ask(bench)
  expect(await ask(bench)).toMatchObject({ run: { unchanged: 1 }, state: 'done' })
  score = '1e999'
  expect(await ask(bench)).toMatchObject({ run: { quarantined: 1 }, state: 'quarantined' })
})

it('a record that comes in other words is read, and says the same', async () => {
  let record = '{"identifier":"a","status":"done","verdict":{"confidence":0.5}}'
  await using api = await startCannedApi(() => `[${record}]`)
  await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
  await bench.enqueue(['a'])
  const first = await ask(bench)
  record = '{ "status": "done", "identifier": "a", "verdict": { "confidence": 5e-1 } }'
  const second = await ask(bench)
  expect(second).toMatchObject({ run: { changed: 0, unchanged: 1 }, digest: recordDigest(record) })
  expect(second.digest).not.toBe(first.digest)
})

it('of a record that comes twice in an answer the last one counts, known or not', async () => {
  const [former, other] = ['human', 'artificial'].map((classification) => ({
    identifier: 'a',
    status: 'done',
    verdict: { classification },
  }))
  let answer = [former]
  await using api = await startCannedApi(() => answer)
  await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
  await bench.enqueue(['a'])
  await ask(bench)
  answer = [other, former]
  expect(await ask(bench)).toMatchObject({ run: { returned: 1, changed: 0, unchanged: 1 } })
  answer = [former, other]
  expect(await ask(bench)).toMatchObject({ run: { returned: 1, changed: 1 } })
})

it('a record is kept with its numbers as they came', async () => {
  await using api = await startCannedApi(
    () => '[{"identifier":"a","status":"done","verdict":{"confidence":0.12345678901234567890}}]',
  )
  await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
  await bench.enqueue(['a'])
  await ask(bench)
  const { rows } = await sql`
    select payload #>> '{verdict,confidence}' as kept from identifai.revision_payloads`.execute(bench.app.db)
  expect(rows).toEqual([{ kept: '0.12345678901234567890' }])
  expect(await ask(bench)).toMatchObject({ run: { unchanged: 1 } })
})

it('a number that is too small for PostgreSQL is set aside with its record, not rounded', async () => {
  const record = '{"identifier":"a","status":"done","verdict":{"confidence":1e-20000}}'
  await using api = await startCannedApi(() => `[${record}]`)
  await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
  await bench.enqueue(['a'])
  expect(await ask(bench)).toMatchObject({ run: { quarantined: 1 }, state: 'quarantined' })
  const { rows } = await sql`select reason, payload from identifai.quarantined_payloads`.execute(bench.app.db)
  expect(rows).toEqual([{ reason: 'unstorable', payload: record }])
})
