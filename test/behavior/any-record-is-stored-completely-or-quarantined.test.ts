import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { verifyChain } from '../../src/compliance/verify/verify-chain.ts'
import { verifyTables } from '../../src/compliance/verify/verify-tables.ts'
import { audioEndpoint } from '../../src/media/audio/endpoint.ts'
import type { AudioRows } from '../../src/media/audio/tables.ts'
import { surveyReplay } from '../../src/pipeline/replay/replay.ts'
import type { JsonObject } from '../../src/platform/json.ts'
import { audioRecordArbitrary } from '../support/arbitrary-record.ts'
import { startCannedApi } from '../support/canned-api.ts'
import { readContentRows } from '../support/read-rows.ts'
import { meaning } from '../support/meaning.ts'
import { sampleSize } from '../support/sample-size.ts'
import { afterTampering } from '../support/tamper.ts'
import { createTestApp } from '../support/test-app.ts'

const RECORDS = sampleSize(200)

it('any record that fits the contract is the same after HTTP, COPY and SQL', async () => {
  const records = new Map<string, JsonObject>()
  for (const [position, record] of fc.sample(audioRecordArbitrary, RECORDS).entries()) {
    const identifier = `id-${position}`
    // Each has a hash of its own, because same-file identifiers could be requested twice.
    records.set(identifier, { ...record, identifier, hash: `hash-${position}` })
  }
  await using api = await startCannedApi((identifiers) =>
    identifiers.map((identifier) => records.get(identifier)),
  )
  await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
  await bench.enqueue([...records.keys()])
  const run = await bench.run()
  expect(run).toMatchObject({ status: 'succeeded', returned: RECORDS, changed: RECORDS, quarantined: 0 })

  const rows = await readContentRows(bench.app.db)
  for (const [identifier, record] of records) {
    const stored = rows.get(identifier)
    if (!stored) throw new Error(`no rows for ${identifier}`)
    expect(meaning(audioEndpoint.denormalize(stored))).toBe(meaning(record))
  }

  const refreshed = await bench.run({ refreshAll: true })
  const finished = [...rows.values()].filter(({ classification, children }) =>
    classification.status === null
      ? (children as AudioRows).verdicts.some(({ kind }) => kind === 'main')
      : classification.status !== 'new',
  )
  expect(refreshed).toMatchObject({ claimed: finished.length, changed: 0, unchanged: finished.length })

  // The second time, from the rows alone.
  for (const [statements, without_payload] of [[[], 0] as const, [[WITHOUT_PAYLOADS], RECORDS] as const]) {
    expect(await afterTampering(bench.app.db, statements, (trx) => verifyTables(trx))).toEqual({
      counts: { classifications: RECORDS, without_payload, not_accepted: 0 },
      findings: [],
    })
  }
})

const WITHOUT_PAYLOADS = 'delete from identifai.revision_payloads'

it('a record of any width, with any number of unknown fields, is loaded or quarantined', async () => {
  const wide = { identifier: 'wide', status: 5, waveform: Array.from({ length: 200_000 }, () => 0) }
  const keys = {
    identifier: 'keys',
    status: 'done',
    ...Object.fromEntries(Array.from({ length: 14_000 }, (_, n) => [`k${n}`, n])),
  }
  await using api = await startCannedApi(() => [wide, keys])
  await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
  await bench.enqueue(['wide', 'keys'])
  expect(await bench.run()).toMatchObject({ status: 'partial', quarantined: 1, done: 1 })
  const drift = await bench.app.db
    .selectFrom('identifai.schema_drift')
    .select(['path', 'occurrences'])
    .execute()
  expect(drift).toEqual([{ path: '/*', occurrences: 14_000 }])
})

it('a single record may have more values than one statement can have parameters', async () => {
  // The protocol counts them in 16 bits, and the row of a clip has several.
  const clips = Array.from({ length: 2 ** 13 }, (_, index) => ({ index }))
  await using api = await startCannedApi(() => [{ identifier: 'a', status: 'done', details: { clips } }])
  await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
  await bench.enqueue(['a'])
  expect(await bench.run()).toMatchObject({ status: 'succeeded', done: 1 })
  const { rows } = await sql`select clip_index from identifai.clips order by clip_no`.execute(bench.app.db)
  expect(rows).toEqual(clips.map(({ index }) => ({ clip_index: index })))
})

it('a payload is stored byte for byte, and a character that PostgreSQL cannot store does not cost the record', async () => {
  const texts: Readonly<Record<string, string>> = {
    nul: String.raw`{"identifier": "nul", "status": "done", "name": "a\u0000b", "hash": "h\u0000"}`,
    surrogate: String.raw`{"identifier": "surrogate", "status": "done", "extra": {"deep": ["\ud83d"]}}`,
    key: String.raw`{"identifier": "key", "status": "done", "ext\u0000ra": 1, "ext\\u0000ra": 2}`,
    twice: '{"identifier": "twice",  "status": "new", "status": "done", "x": {"a": 1, "a": null}}',
    precise: '{"identifier": "precise", "status": "done", "x": 12345678901234567890.123456789000e-5}',
    unicode: '{"identifier": "unicode", "status": "done", "name": "\u00e4\u{1f600}"}',
  }
  await using api = await startCannedApi((requested) => `[${requested.map((id) => texts[id]).join(', ')}]`)
  await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
  const { db } = bench.app
  await bench.enqueue(Object.keys(texts))
  expect(await bench.run()).toMatchObject({ status: 'succeeded', done: 6, quarantined: 0 })

  const rows = await readContentRows(db)
  const { rows: stored } = await sql<{
    identifier: string
    payload: string
    salt: string
    commitment: string
  }>`
    select r.identifier, p.payload::text as payload, v.salt, r.payload_commitment as commitment
    from identifai.revision_payloads as p
    join identifai.personal_values as v using (classification_id, revision_no)
    join identifai.classification_revisions as r using (classification_id, revision_no)`.execute(db)
  expect(stored).toHaveLength(6)
  for (const { identifier, payload, salt, commitment } of stored) {
    expect(payload).toBe(texts[identifier])
    expect(commitment).toBe(createHash('sha256').update(salt, 'hex').update(payload).digest('hex'))
    const content = rows.get(identifier)
    if (!content) throw new Error(`no rows for ${identifier}`)
    expect(meaning(audioEndpoint.denormalize(content))).toBe(meaning(JSON.parse(payload) as JsonObject))
  }
  const { rows: shown } = await sql<{ name: string | null; file_hash: string | null }>`
    select name, file_hash from identifai_reporting.classifications where identifier = 'nul'`.execute(db)
  expect(shown).toEqual([{ name: 'a\uFFFDb', file_hash: null }])
  expect(await bench.run({ refreshAll: true })).toMatchObject({ claimed: 6, changed: 0, unchanged: 6 })
  expect(await verifyChain(db)).toMatchObject({ payloads_checked: 6, findings: [] })
  expect(await surveyReplay(bench.app, { since: null, signal: new AbortController().signal })).toMatchObject({
    examined: 6,
    unchanged: 6,
  })
})

it('a record that PostgreSQL cannot store in any form is quarantined with its bytes, and the rest of its batch is finished', async () => {
  const broken: Readonly<Record<string, string>> = {
    huge: '{"identifier": "huge", "status": "done", "verdict": {"confidence": 1e999}}',
    deep: `{"identifier": "deep", "status": "done", "x": ${'['.repeat(3000)}1${']'.repeat(3000)}}`,
  }
  const identifiers = [...Object.keys(broken), ...Array.from({ length: 98 }, (_, n) => `fine-${n}`)]
  await using api = await startCannedApi(
    (requested) =>
      `[${requested.map((id) => broken[id] ?? `{"identifier": "${id}", "status": "done"}`).join(',')}]`,
  )
  await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
  await bench.enqueue(identifiers)
  const run = await bench.run()
  expect(run).toMatchObject({ status: 'partial', requests: 1, done: 98, quarantined: 2 })
  const { rows } = await sql<{ identifier: string; reason: string; payload: string }>`
    select identifier, reason, payload from identifai.quarantined_payloads`.execute(bench.app.db)
  for (const { identifier, reason, payload } of rows) {
    expect(reason).toBe('unstorable')
    expect(payload).toBe(broken[identifier])
  }
  expect(rows).toHaveLength(2)
})
