import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { recordDigest } from '../../src/pipeline/api/records.ts'
import { startCannedApi } from '../support/canned-api.ts'
import { createTestApp } from '../support/test-app.ts'

/** Runs over everything, and reads the row of the identifier `a`. */
async function refresh(bench: Awaited<ReturnType<typeof createTestApp>>) {
  const run = await bench.run({ refreshAll: true })
  const { rows } = await sql<{ state: string; digest: string | null; confirmed: boolean }>`
    select state, encode(record_digest, 'hex') as digest, last_confirmed_at >= ${run.started_at} as confirmed
    from identifai.identifiers where identifier = 'a'`.execute(bench.app.db)
  return { run, ...rows[0] }
}

it.each([
  ['done', { done: 1, errored: 0 }],
  ['errored', { done: 0, errored: 1 }],
])(
  'a finished record (%s) that is returned unchanged is recognized by its digest: it is confirmed, and nothing else is written',
  async (status, counted) => {
    const record = { identifier: 'a', status, hash: 'h', verdict: { classification: 'human' } }
    await using api = await startCannedApi(() => [record])
    await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
    await bench.enqueue(['a'])
    const digest = recordDigest(Buffer.from(JSON.stringify(record)))
    expect(await refresh(bench)).toMatchObject({
      run: { changed: 1 },
      state: status,
      digest,
      confirmed: true,
    })
    // The record is not parsed again: if it were, it would differ from the row that the next statement changes.
    await sql`alter table identifai.personal_values disable trigger all`.execute(bench.app.db)
    await sql`update identifai.personal_values set content_digest = repeat('0', 64)`.execute(bench.app.db)
    expect(await refresh(bench)).toMatchObject({
      run: { claimed: 1, returned: 1, ...counted, changed: 0, unchanged: 1 },
      state: status,
      digest,
      confirmed: true,
    })
  },
)

it('a record that an earlier version has read is read again', async () => {
  await using api = await startCannedApi(() => [{ identifier: 'a', status: 'done', hash: 'h' }])
  await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
  await bench.enqueue(['a'])
  const first = await refresh(bench)
  await sql`update identifai.identifiers set record_digest = sha256('another version')`.execute(bench.app.db)
  await sql`update identifai.classifications set result_url = 'old'`.execute(bench.app.db)
  expect(await refresh(bench)).toMatchObject({ run: { unchanged: 1 }, digest: first.digest })
  const { rows } = await sql`select result_url from identifai.classifications`.execute(bench.app.db)
  expect(rows).toEqual([{ result_url: null }])
})

it.each([
  ['the API did not return it in between', []],
  ['its analysis ran again in between', [{ identifier: 'a', status: 'new' }]],
  ['its record was broken in between', [{ identifier: 'a', status: 'paused' }]],
])('the next record is read, though it is the same as before, when %s', async (_, between) => {
  const done = [{ identifier: 'a', status: 'done', hash: 'h' }]
  let body: unknown = done
  await using api = await startCannedApi(() => body)
  await using bench = await createTestApp({
    environment: { IDENTIFAI_API_URL: api.url, SYNC_MISSING_AFTER: '1' },
  })
  await bench.enqueue(['a'])
  const first = await refresh(bench)
  body = between
  expect(await refresh(bench)).toMatchObject({ digest: null })
  body = done
  await sql`update identifai.identifiers set due_at = now(), state = case state when 'done' then state else 'pending' end`.execute(
    bench.app.db,
  )
  expect(await refresh(bench)).toMatchObject({ state: 'done', digest: first.digest })
})

it('a number beyond double precision is not mistaken for the null that JSON.stringify makes of it', async () => {
  let score = 'null'
  await using api = await startCannedApi(
    () => `[{"identifier":"a","status":"done","verdict":{"confidence":${score}}}]`,
  )
  await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
  await bench.enqueue(['a'])
  await refresh(bench)
  expect(await refresh(bench)).toMatchObject({ run: { unchanged: 1 }, state: 'done' })
  score = '1e999'
  expect(await refresh(bench)).toMatchObject({ run: { quarantined: 1 }, state: 'quarantined' })
})

it('a record that is written differently is read, and counts as unchanged', async () => {
  let record = '{"identifier":"a","status":"done","verdict":{"confidence":0.5}}'
  await using api = await startCannedApi(() => `[${record}]`)
  await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
  await bench.enqueue(['a'])
  const first = await refresh(bench)
  record = '{ "status": "done", "identifier": "a", "verdict": { "confidence": 5e-1 } }'
  const second = await refresh(bench)
  expect(second).toMatchObject({
    run: { changed: 0, unchanged: 1 },
    digest: recordDigest(Buffer.from(record)),
  })
  expect(second.digest).not.toBe(first.digest)
})

it('the last of two records of one identifier counts, whether its digest is known or not', async () => {
  const [former, other] = ['human', 'artificial'].map((classification) => ({
    identifier: 'a',
    status: 'done',
    verdict: { classification },
  }))
  let body = [former]
  await using api = await startCannedApi(() => body)
  await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
  await bench.enqueue(['a'])
  await refresh(bench)
  body = [other, former]
  expect(await refresh(bench)).toMatchObject({ run: { returned: 1, changed: 0, unchanged: 1 } })
  body = [former, other]
  expect(await refresh(bench)).toMatchObject({ run: { returned: 1, changed: 1 } })
})

it('a payload keeps its numbers as received', async () => {
  await using api = await startCannedApi(
    () => '[{"identifier":"a","status":"done","verdict":{"confidence":0.12345678901234567890}}]',
  )
  await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
  await bench.enqueue(['a'])
  await refresh(bench)
  const { rows } = await sql`
    select payload #>> '{verdict,confidence}' as kept from identifai.revision_payloads`.execute(bench.app.db)
  expect(rows).toEqual([{ kept: '0.12345678901234567890' }])
  expect(await refresh(bench)).toMatchObject({ run: { unchanged: 1 } })
})

it('a number that is too small for a double is rounded in the columns, and exact in the payload', async () => {
  const record = '{"identifier":"a","status":"done","verdict":{"confidence":1e-20000}}'
  await using api = await startCannedApi(() => `[${record}]`)
  await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
  await bench.enqueue(['a'])
  expect(await refresh(bench)).toMatchObject({ run: { quarantined: 0 }, state: 'done' })
  const { rows } = await sql`
    select confidence, payload::text as payload from identifai.verdicts
    join identifai.revision_payloads using (classification_id)`.execute(bench.app.db)
  expect(rows).toEqual([{ confidence: 0, payload: record }])
})
