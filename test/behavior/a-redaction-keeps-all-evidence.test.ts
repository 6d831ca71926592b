import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { prunePayloads } from '../../src/compliance/history/prune-payloads.ts'
import { redact } from '../../src/compliance/history/redact.ts'
import { formatReport } from '../../src/compliance/report/format/format-report.ts'
import { bundleLines } from '../../src/compliance/report/read/bundle-lines.ts'
import { readReport } from '../../src/compliance/report/read/read-report.ts'
import { verifyFile } from '../../src/compliance/report/read/verify-file.ts'
import type { Report } from '../../src/compliance/report/schema.ts'
import { verifyChain } from '../../src/compliance/verify/verify-chain.ts'
import { argumentEntries } from '../../src/pipeline/queue/input/read-arguments.ts'
import { enqueue } from '../../src/pipeline/queue/enqueue.ts'
import { requeue } from '../../src/pipeline/queue/requeue.ts'
import { retire } from '../../src/pipeline/queue/retire.ts'
import { startCannedApi } from '../support/canned-api.ts'
import { HAS_PYTHON, startPython } from '../support/python-verifiers.ts'
import { createTestApp } from '../support/test-app.ts'

/** Occurs in every value of the identifier `erased` that may be about a person, and nowhere else. */
const SECRET = 'Jane Roe'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'identifai redact '))
})
afterAll(() => rmSync(folder, { recursive: true }))

/**
 * Two identifiers of one file: forced, quarantined for a day, and with a field that is not in the contract. One of them is
 * about a person.
 */
async function benchWithPerson() {
  let day = 0
  const record = (identifier: string) => ({
    identifier,
    status: 'done',
    hash: 'f'.repeat(64),
    name: `${identifier === 'erased' ? SECRET : 'x'}.wav`,
    ref_id: identifier === 'erased' ? `${SECRET} 1` : null,
    result_url: `https://dashboard.example/${identifier === 'erased' ? encodeURI(SECRET) : 'x'}`,
    verdict: { heuristic: 'Majority', confidence: 0.9, classification: 'artificial', models: [] },
    ...(day > 0 && { force_classification: 'human' }),
    ...(identifier === 'erased' && { caller: SECRET }),
    ...(day === 2 && identifier === 'erased' && { verdict: { confidence: SECRET } }),
  })
  const api = await startCannedApi((identifiers) => identifiers.map(record))
  const bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
  const common = { media: 'audio', priority: 0 }
  await enqueue(bench.app.db, argumentEntries(['erased']), { ...common, source: `line of ${SECRET}` })
  await enqueue(bench.app.db, argumentEntries(['kept']), { ...common, source: 'line 2' })
  for (; day < 4; day++) {
    if (day === 3)
      await sql`update identifai.identifiers set state = 'done', due_at = now()`.execute(bench.app.db)
    await bench.run({ refreshAll: true })
  }
  return {
    app: bench.app,
    run: (options: Parameters<typeof bench.run>[0]) => bench.run(options),
    async [Symbol.asyncDispose]() {
      await bench[Symbol.asyncDispose]()
      await api[Symbol.asyncDispose]()
    },
  }
}

/** The tables in which a text occurs. */
async function placesOf(db: Awaited<ReturnType<typeof benchWithPerson>>['app']['db'], text: string) {
  const { rows } = await sql<{ place: string }>`
    select table_name as place from information_schema.tables
    where table_schema = 'identifai' and table_type = 'BASE TABLE' order by 1`.execute(db)
  const places: string[] = []
  for (const { place } of rows) {
    const found =
      await sql`select from identifai.${sql.id(place)} as t where t::text like ${`%${text}%`} limit 1`.execute(
        db,
      )
    if (found.rows.length > 0) places.push(place)
  }
  return places
}

describe('a redaction', () => {
  const request = { media: 'audio', from: null, to: null, asOf: null }
  const because = { reason: 'erasure request 88', author: 'A. Rossi' }

  it('removes what may be about a person everywhere, and keeps the digest and the proofs of each report', async () => {
    await using bench = await benchWithPerson()
    const { db } = bench.app
    expect(await placesOf(db, SECRET)).toEqual([
      'classifications',
      'identifiers',
      'personal_values',
      'quarantined_payloads',
      'revision_payloads',
      'schema_drift',
    ])
    const before = await readReport(db, request)
    expect(new Set(before.personal_values.map(({ name }) => name))).toEqual(
      new Set([`${SECRET}.wav`, 'x.wav']),
    )

    const bundle = path.join(folder, 'report.jsonl')
    const writeBundle = async (of: Report) =>
      writeFileSync(bundle, (await Array.fromAsync(bundleLines(db, of, []))).join(''))
    await writeBundle(before)
    expect(await verifyFile(bundle, {})).toMatchObject({ redacted: 0, findings: [] })

    // They could confirm a guess of the values.
    const { rows: digests } = await sql<{ digest: string }>`
      select encode(record_digest, 'hex') as digest from identifai.identifiers where identifier = 'erased'
      union all select content_digest from identifai.personal_values where classification_id = 1
      union all select salt from identifai.personal_values where classification_id = 1`.execute(db)
    // Each revision has a salt of its own.
    expect(new Set(digests.map(({ digest }) => digest)).size).toBe(5)

    await retire(db, argumentEntries(['erased']), because)
    const redaction = { media: 'audio', ...because }
    const found = { revisions: 2, payloads: 2, quarantined: 1 }
    expect(await redact(db, 'erased', { ...redaction, isDryRun: true })).toMatchObject(found)
    expect(await placesOf(db, SECRET)).toHaveLength(6)
    expect(await redact(db, 'erased', { ...redaction, isDryRun: false })).toMatchObject(found)
    expect(await placesOf(db, SECRET)).toEqual([])
    for (const { digest } of digests) expect(await placesOf(db, digest)).toEqual([])

    const after = await readReport(db, { ...request, asOf: before.head.as_of.finished_at })
    expect(after.data_digest).toBe(before.data_digest)
    expect(after.personal_values).toEqual(before.personal_values.filter(({ name }) => name === 'x.wav'))
    await writeBundle(after)
    expect(await verifyFile(bundle, {})).toMatchObject({ redacted: 1, findings: [] })
    if (HAS_PYTHON) {
      using python = startPython()
      expect(await python.verify('verify_bundle.py', bundle)).toMatchObject({ code: 0 })
    }
    expect(await verifyChain(db)).toMatchObject({ personal_values_redacted: 2, findings: [] })

    const { rows: actions } = await sql`
      select kind, identifiers, classification_id, author, reason, database_role = session_user as is_ours
      from identifai.actions order by action_id`.execute(db)
    const common = { identifiers: 1, ...because, is_ours: true }
    expect(actions).toEqual([
      { kind: 'retire', classification_id: null, ...common },
      { kind: 'redact', classification_id: 1, ...common },
    ])
    await bench.run({ refreshAll: true })
    expect(await verifyChain(db)).toMatchObject({ actions: 2, personal_values_redacted: 2, findings: [] })
    // Only the row of the identifier may be reached by later commands.
    await enqueue(db, argumentEntries(['erased']), {
      media: 'audio',
      priority: 0,
      source: SECRET,
      update: true,
    })
    const again = await requeue(db, argumentEntries(['erased']), { retired: because })
    expect(again).toMatchObject({ changed: 0, unknown: ['erased'] })
    expect(await placesOf(db, SECRET)).toEqual([])
  })

  it('shows in each form of a report which values were removed', async () => {
    await using bench = await benchWithPerson()
    const { db } = bench.app
    await retire(db, argumentEntries(['erased']), because)
    await redact(db, 'erased', { media: 'audio', isDryRun: false, ...because })
    const report = await readReport(db, request)
    const textOf = async (format: 'csv' | 'html' | 'json', of: Report) =>
      (await Array.fromAsync(await formatReport(of, format))).join('')
    expect(await textOf('csv', report)).toMatch(/,\[redacted\],\[redacted\],\[redacted\],\[redacted\],/)
    expect(await textOf('html', report)).toContain('personal values redacted')
    expect(await textOf('json', report)).not.toContain(SECRET)
  })

  it('is refused for an identifier that is tracked, unknown or redacted, and then removes nothing', async () => {
    await using bench = await benchWithPerson()
    const { db } = bench.app
    const options = { media: 'audio', isDryRun: false, ...because }
    await expect(redact(db, 'erased', options)).rejects.toThrow(/is still tracked \(done\)/)
    await expect(redact(db, 'other', options)).rejects.toThrow(/is not tracked/)
    expect(await placesOf(db, SECRET)).toHaveLength(6)
    await retire(db, argumentEntries(['erased']), because)
    await redact(db, 'erased', options)
    await expect(redact(db, 'erased', options)).rejects.toThrow(/was redacted at/)
  })

  it('is the only end of a latest payload, and prune records what it removes', async () => {
    await using bench = await benchWithPerson()
    const { db } = bench.app
    const pruned = await prunePayloads(db, {
      olderThanDays: -1,
      isDryRun: false,
      signal: new AbortController().signal,
    })
    expect(pruned).toEqual({ removed: 2, stored: 2 })
    const { rows } = await sql`select kind, identifiers, reason from identifai.actions`.execute(db)
    expect(rows).toEqual([{ kind: 'prune', identifiers: 2, reason: 'payloads older than -1 days' }])
    expect(await verifyChain(db)).toMatchObject({ payloads_not_checked: 2, findings: [] })
  })
})
