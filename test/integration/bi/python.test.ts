import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dbtSourcesYaml } from '../../../scripts/dbt-sources-yaml.ts'
import { grantReader } from '../../../src/operations/roles/grant.ts'
import manifest from '../../../package.json' with { type: 'json' }
import { addNote } from '../../support/add-note.ts'
import { preparePython } from '../../support/python-environment.ts'
import { createTestApp, type TestApp } from '../../support/test-app.ts'

const PROJECT = path.resolve(import.meta.dirname, '../../..')
const PACKAGE = path.join(PROJECT, 'bi/dbt')
const execute = promisify(execFile)

const bin = preparePython()

let bench: TestApp
let folder: string
/** The settings with which psql and the other programs of analysts find the database, as a reader without personal values. */
let environment: NodeJS.ProcessEnv

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'identifai python '))
  bench = await createTestApp({ world: { seed: 25 } })
  const identifiers = await bench.load({ count: 400 })
  await sql`update identifai.identifiers set submitted_at = '2026-06-01Z'::timestamptz + id * interval '1 hour',
    source = case when id % 4 > 0 then 'calls' end`.execute(bench.app.db)
  const { world } = bench.simulator
  for (const identifier of identifiers.slice(0, 6)) world.override(bench.hashOf(identifier), 'human')
  await bench.makeAllDue()
  await bench.run()
  await addNote(bench.app.db, bench.hashOf(identifiers[0] as string))
  const role = `analyst of ${new URL(bench.database.url).pathname.slice(1)}`
  await sql`create role ${sql.id(role)} login password 'p'`.execute(bench.app.db)
  await grantReader(bench.app.db, role, { withTables: false, withoutPersonal: true, revokesOthers: false })
  await sql`create schema analytics`.execute(bench.app.db)
  const database = sql.id(new URL(bench.database.url).pathname.slice(1))
  // As in the installation, where a role needs this permission to create temporary tables.
  await sql`revoke temporary on database ${database} from public`.execute(bench.app.db)
  await sql`grant temporary on database ${database} to ${sql.id(role)}`.execute(bench.app.db)
  await sql`grant usage, create on schema analytics to ${sql.id(role)}`.execute(bench.app.db)
  const url = new URL(bench.database.url)
  environment = {
    PATH: process.env.PATH,
    HOME: folder,
    PGHOST: url.hostname,
    PGPORT: url.port,
    PGUSER: role,
    PGPASSWORD: 'p',
    PGDATABASE: url.pathname.slice(1),
    DO_NOT_TRACK: '1',
    MPLCONFIGDIR: folder,
  }
})
afterAll(async () => {
  await sql`drop owned by ${sql.id(environment.PGUSER as string)}`.execute(bench.app.db)
  await sql`drop role ${sql.id(environment.PGUSER as string)}`.execute(bench.app.db)
  await bench[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

const python = (cwd: string, ...args: string[]) =>
  execute(path.join(bin as string, 'python'), args, { cwd, env: environment })

/** Starts a process that runs the commands of dbt that it gets, one after another. */
function startDbt(project: string) {
  writeFileSync(path.join(project, 'run.py'), RUN_DBT)
  const running = python(project, 'run.py')
  const { stdin, stdout } = running.child
  const lines = createInterface(stdout as Readable)[Symbol.asyncIterator]()
  return {
    run: async (command: string) => {
      stdin?.write(`${command}\n`)
      for (let line = await lines.next(); line.value !== 'succeeded'; line = await lines.next()) {
        // A failure ends the process, and is in its error.
        if (line.done) return await running
      }
    },
    [Symbol.asyncDispose]: async () => {
      stdin?.end()
      // The failure of a command is thrown by run.
      await running.catch(() => {})
    },
  }
}

describe('the dbt package', () => {
  it('has the views of this version as sources (npm run bi:dbt), and the version of the product', async () => {
    const sources = readFileSync(path.join(PACKAGE, 'models/staging/_identifai__sources.yml'), 'utf8')
    expect(sources).toBe(await dbtSourcesYaml(bench.app.db))
    const project = readFileSync(path.join(PACKAGE, 'dbt_project.yml'), 'utf8')
    expect(project).toContain(`\nversion: ${manifest.version}\n`)
  })

  it.skipIf(!bin)(
    'builds, tests, documents and checks the freshness in the project of an analyst',
    { timeout: 240_000 },
    async () => {
      const project = path.join(folder, 'analytics')
      mkdirSync(path.join(project, 'models'), { recursive: true })
      for (const [file, text] of Object.entries(CONSUMER)) writeFileSync(path.join(project, file), text)
      await using dbt = startDbt(project)
      for (const command of ['deps', 'build', 'source freshness', 'docs generate']) await dbt.run(command)
      const results = JSON.parse(readFileSync(path.join(project, 'target/run_results.json'), 'utf8')) as {
        results: { unique_id: string; status: string }[]
      }
      expect(results.results.length).toBeGreaterThan(0)
      const catalog = readFileSync(path.join(project, 'target/catalog.json'), 'utf8')
      for (const model of [
        'deepfake_share_by_source_and_week',
        'model_quality',
        'override_decisions',
        'weekly',
      ]) {
        expect(catalog).toContain(`"name":"${model}"`.replace(':', ': '))
      }
      const read = async (table: string, columns: string) =>
        (await sql<object>`select ${sql.raw(columns)} from analytics.${sql.id(table)}`.execute(bench.app.db))
          .rows
      const [expected] = (
        await sql<object>`
        select count(*) as n, count(*) filter (where effective_classification = 'artificial') as artificial
        from identifai_reporting.classifications where effective_classification is not null`.execute(
          bench.app.db,
        )
      ).rows
      expect(
        await read(
          'deepfake_share_by_source_and_week',
          'sum(identifiers)::bigint as n, sum(artificial_identifiers)::bigint as artificial',
        ),
      ).toEqual([expected])
      expect(await read('weekly', 'sum(identifiers)::bigint as n')).toEqual([
        { n: (expected as { n: number }).n },
      ])
      const decisions = await sql`select from identifai_reporting.force_decisions`.execute(bench.app.db)
      expect(await read('override_decisions', 'count(*) as n')).toEqual([{ n: decisions.rows.length }])
      expect(await read('model_quality', 'count(distinct model) > 1 as has_models')).toEqual([
        { has_models: true },
      ])

      // A later change reaches the copy, and nothing else is read again.
      const { rows: before } = await sql<{
        at: string
      }>`select max(changed_at)::text as at from analytics.int_identifai__classifications`.execute(
        bench.app.db,
      )
      bench.simulator.world.override(bench.hashOf(await firstIdentifier()), 'artificial')
      await bench.makeAllDue()
      await bench.run()
      await dbt.run('build --select int_identifai__classifications')
      const { rows: after } = await sql<{ later: number; same: boolean }>`
      select (select count(*) from analytics.int_identifai__classifications where changed_at > ${before[0]?.at}::timestamptz) as later,
        (select count(*) from (
          (select classification_id, effective_classification, state, changed_at from identifai_reporting.classifications)
          except (select classification_id, effective_classification, state, changed_at from analytics.int_identifai__classifications)
        ) as difference) = 0 as same`.execute(bench.app.db)
      expect(after[0]?.later).toBeGreaterThan(0)
      expect(after[0]?.same).toBe(true)
    },
  )
})

async function firstIdentifier(): Promise<string> {
  const { rows } = await sql<{ identifier: string }>`
    select identifier from identifai_reporting.classifications where status = 'done' and not is_forced
    order by classification_id limit 1`.execute(bench.app.db)
  return rows[0]?.identifier ?? ''
}

/** The project of an analyst who has added the package. */
const CONSUMER = {
  'dbt_project.yml': `
name: analytics
version: 1.0.0
config-version: 2
profile: analytics
flags:
  send_anonymous_usage_stats: false
`,
  'packages.yml': `packages: [{ local: ${JSON.stringify(PACKAGE)} }]\n`,
  'profiles.yml': `
analytics:
  target: dev
  outputs:
    dev:
      type: postgres
      host: "{{ env_var('PGHOST') }}"
      port: "{{ env_var('PGPORT') | as_number }}"
      user: "{{ env_var('PGUSER') }}"
      password: "{{ env_var('PGPASSWORD') }}"
      dbname: "{{ env_var('PGDATABASE') }}"
      schema: analytics
      threads: 2
`,
  'models/weekly.sql': `
{{ config(materialized='table') }}
select week, sum(identifiers) as identifiers
from {{ ref('identifai_sync', 'deepfake_share_by_source_and_week') }} group by week
`,
}

/** Runs each line of its input as a command of dbt. Warnings are errors, and every key of the files is checked. */
const RUN_DBT = `
import sys
from dbt.cli.main import dbtRunner
from dbt.jsonschemas import jsonschemas

jsonschemas._JSONSCHEMA_SUPPORTED_ADAPTERS.add("postgres")
for command in sys.stdin:
    result = dbtRunner().invoke(["--quiet", "--warn-error", *command.split()])
    if not result.success:
        sys.exit(f"dbt {command} failed: {result.exception}")
    print("succeeded", flush=True)
`

describe.skipIf(!bin)('the examples of docs/bi.md for Python', () => {
  const blocks = [
    ...readFileSync(path.join(PROJECT, 'docs/bi.md'), 'utf8').matchAll(/```python\n(.*?)```/gs),
  ].map(([, code = '']) => code)

  it.each(blocks.map((code) => [/import (\w+)/.exec(code)?.[1] ?? '', code]))('%s', async (_, code) => {
    const file = path.join(folder, 'example.py')
    writeFileSync(file, code)
    const { stdout } = await python(folder, '-W', 'error::DeprecationWarning', file)
    if (!code.includes('savefig')) return expect(stdout).toMatch(/\d/)
    const image = readFileSync(path.join(folder, 'weekly-share.png'))
    expect(image.subarray(1, 4).toString()).toBe('PNG')
    return expect(image.length).toBeGreaterThan(10_000)
  })

  it('are one for each library', () => {
    const text = blocks.join('\n')
    for (const library of ['pandas', 'polars', 'duckdb', 'matplotlib'])
      expect(text).toContain(`import ${library}`)
  })
})
