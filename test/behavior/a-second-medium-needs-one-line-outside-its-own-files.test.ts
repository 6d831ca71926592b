import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type CannedApi, startCannedApi } from '../support/canned-api.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

const project = path.resolve(import.meta.dirname, '../..')
const fixture = path.join(project, 'test/fixtures/toy-medium')

/** The records of each medium by identifier. `shared` is tracked in both. */
const records = {
  audio: new Map<string, object>(
    ['call', 'shared'].map((identifier) => [
      identifier,
      {
        identifier,
        hash: `${identifier}-file`,
        status: 'done',
        verdict: { heuristic: 'Majority', confidence: 0.9, classification: 'artificial' },
      },
    ]),
  ),
  toy: new Map<string, object>(
    ['bear', 'shared'].map((identifier) => [
      identifier,
      { identifier, hash: `${identifier}-toy`, status: 'done', parts: [{ label: 'fake', weight: 0.75 }] },
    ]),
  ),
}

let folder: string
let api: CannedApi
let database: TestDatabase

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'identifai-sync-toy-'))
  for (const name of ['src', 'migrations', 'package.json']) {
    cpSync(path.join(project, name), path.join(folder, name), { recursive: true })
  }
  symlinkSync(path.join(project, 'node_modules'), path.join(folder, 'node_modules'))
  addToyMedium()
  api = await startCannedApi((identifiers, _, { url }) => {
    const medium = url?.startsWith('/api/classifications_toy?') ? records.toy : records.audio
    return identifiers.map((identifier) => medium.get(identifier) ?? null)
  })
  database = await createTestDatabase('empty')
})

afterAll(async () => {
  await api[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

/** Adds the folder of the medium, its migration, and its entry in the registry. Changes nothing else. */
function addToyMedium(): void {
  const copy = (from: string, to: string, up: string) => {
    const text = readFileSync(path.join(fixture, from), 'utf8')
    writeFileSync(
      path.join(folder, to),
      text.replaceAll(`'../../../${up}/`, up === 'src' ? `'../../` : `'./`),
    )
  }
  cpSync(fixture, path.join(folder, 'src/media/toy'), { recursive: true })
  rmSync(path.join(folder, 'src/media/toy/migration.ts'))
  copy('endpoint.ts', 'src/media/toy/endpoint.ts', 'src')
  copy('migration.ts', 'migrations/0012-toy.ts', 'migrations')
  insert(
    'src/media/registry.ts',
    'import { audioEndpoint',
    "import { toyEndpoint } from './toy/endpoint.ts'\n",
  )
  insert('src/media/registry.ts', ']\n\n/** Names of', ', toyEndpoint')
}

/** Inserts text before a place that the file has once. */
function insert(file: string, before: string, text: string): void {
  const [head, ...rest] = readFileSync(path.join(folder, file), 'utf8').split(before)
  expect(rest).toHaveLength(1)
  writeFileSync(path.join(folder, file), head + text + before + rest[0])
}

async function cli(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [path.join(folder, 'src/main.ts'), ...args],
    {
      cwd: folder,
      env: {
        PATH: process.env.PATH,
        // Compiles modules once for all of the commands.
        NODE_COMPILE_CACHE: path.join(folder, 'compiled'),
        DATABASE_URL: database.url,
        IDENTIFAI_API_URL: api.url,
        IDENTIFAI_API_KEY: 'toy-key',
        SYNC_REQUESTS_PER_SECOND: '1000',
        SYNC_REQUESTS_PER_MINUTE: '60000',
      },
    },
  )
  return stdout
}

const parts = async () =>
  (
    await sql`select identifier, part_no, label, weight from identifai.toy_parts
    join identifai.classifications using (classification_id) order by 1, 2`.execute(database.db)
  ).rows

it('takes a toy medium from enqueue to the verified report, beside audio in one database', {
  timeout: 180_000,
}, async () => {
  await cli('migrate')
  await expect(cli('enqueue', '--media', 'image', 'x')).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('This version has no medium image. Give one of these: audio, toy.'),
  })
  await cli('enqueue', 'call', 'shared')
  await cli('enqueue', '--media', 'toy', 'bear', 'shared')

  const run = JSON.parse(await cli('sync', '--json'))
  expect(run).toMatchObject({ status: 'succeeded', claimed: 4, done: 4, requests: 2, changed: 4 })
  expect(api.requests.map((identifiers) => identifiers.toSorted())).toEqual(
    expect.arrayContaining([
      ['call', 'shared'],
      ['bear', 'shared'],
    ]),
  )
  const expected = ['bear', 'shared'].map((identifier) => ({
    identifier,
    part_no: 0,
    label: 'fake',
    weight: 0.75,
  }))
  expect(await parts()).toEqual(expected)
  expect(await cli('plan', '--json').then(JSON.parse)).toMatchObject({
    full_refresh: { identifiers: 4, requests: 2 },
  })

  const forced = { ...records.toy.get('bear'), force_classification: 'human', finish: 'brown' }
  records.toy.set('bear', forced)
  const refresh = JSON.parse(await cli('sync', '--refresh-all', '--json'))
  expect(refresh).toMatchObject({
    status: 'succeeded',
    claimed: 4,
    changed: 1,
    unchanged: 3,
    force_changes: 1,
  })

  const verified = { tables: { classifications: 4, without_payload: 0 }, findings: [] }
  expect(JSON.parse(await cli('report', 'verify', '--tables', '--json'))).toMatchObject(verified)
  await sql`update identifai.toy_parts set weight = 0`.execute(database.db)
  await expect(cli('report', 'verify', '--tables')).rejects.toMatchObject({
    code: 6,
    stdout: expect.stringMatching(
      /toy_parts \(classification_id \d+, part_no 0\) differs from the history in: weight\./,
    ),
  })
  expect(JSON.parse(await cli('replay', '--json'))).toMatchObject({
    examined: 4,
    changed: 2,
    columns: [{ column: 'toy_parts.weight', classifications: 2 }],
    written: { rewritten: 2 },
  })
  expect(await parts()).toEqual(expected)

  const report = async (media: string) =>
    JSON.parse(await cli('report', 'forced', '--media', media, '--json')) as {
      head: object
      events: object[]
    }
  const toys = await report('toy')
  expect(toys.head).toMatchObject({ media: 'toy', coverage: { is_complete: true } })
  expect(toys.events).toMatchObject([{ event: 'forced', identifier: 'bear', forced_to: 'human' }])
  expect((await report('audio')).events).toEqual([])
  expect(JSON.parse(await cli('report', 'verify', '--json'))).toMatchObject({
    revisions: 5,
    payloads_checked: 5,
    findings: [],
  })
  expect(JSON.parse(await cli('report', 'verify', '--tables', '--json'))).toMatchObject(verified)
  await cli('report', 'bundle', '--media', 'toy', '--output', 'toy.jsonl')
  expect(JSON.parse(await cli('report', 'verify', 'toy.jsonl', '--json'))).toMatchObject({ findings: [] })

  expect(JSON.parse(await cli('explain', 'shared', '--json'))).toMatchObject([
    { media: 'audio' },
    { media: 'toy' },
  ])
  expect(await cli('distribute', '--dry-run')).toContain("create_distributed_table('identifai.toy_parts'")
})
