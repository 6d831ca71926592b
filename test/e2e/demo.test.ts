import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { withResults } from '../../scripts/bi-results.ts'
import { grantReader } from '../../src/operations/roles/grant.ts'
import { connect } from '../../src/platform/postgres/connect.ts'
import { createTestCli, type TestCli, finish } from '../support/test-cli.ts'

let cli: TestCli
/** The test's own temporary folder, because other processes run servers, too. Open to all users like /tmp. */
let temporary: string
beforeAll(() => {
  cli = createTestCli()
  temporary = mkdtempSync(path.join(os.tmpdir(), 'identifai demo '))
  chmodSync(temporary, 0o1777)
})
afterAll(() => {
  rmSync(temporary, { recursive: true })
  cli[Symbol.dispose]()
})

/** Lists the files that the demo left in its temporary folder. */
function leftBehind(): string[] {
  return readdirSync(temporary)
}

function start(...args: string[]) {
  return cli.start(['demo', ...args], { TMPDIR: temporary })
}

const BI_DOCS = readFileSync(new URL('../../docs/bi.md', import.meta.url), 'utf8')

/** Returns docs/bi.md with the results for a role that can read only the views. */
async function queriedByAnalyst(databaseUrl: string): Promise<string> {
  const owner = connect({ connectionString: databaseUrl, maxConnections: 1 })
  await sql`create role analyst login password 'p'`.execute(owner.db)
  await grantReader(owner.db, 'analyst', { withTables: false, withoutPersonal: false, revokesOthers: false })
  await owner.db.destroy()
  const url = new URL(databaseUrl)
  url.username = 'analyst'
  url.password = 'p'
  const analyst = connect({ connectionString: url.href, maxConnections: 1 })
  const results = await withResults(analyst.db, BI_DOCS)
  await analyst.db.destroy()
  return results
}

it('runs twice at the same time, keeps running with --keep, returns the results of docs/bi.md (npm run docs:bi), and leaves no file', {
  // Two servers at the same time, beside those of other tests.
  timeout: 180_000,
}, async () => {
  const plain = finish(start())
  const kept = start('--keep')
  const keptEnded = finish(kept)
  const url = await new Promise<string>((resolve) => {
    let text = ''
    kept.stdout?.on('data', (chunk) => {
      text += String(chunk)
      const found = /DATABASE_URL='([^']+)'[\s\S]*identifai-sync status/.exec(text)
      if (found?.[1]) resolve(found[1])
    })
  })
  const ended = await plain
  expect(await queriedByAnalyst(url)).toBe(BI_DOCS)
  expect(BI_DOCS.match(/```sql/g)?.length).toBeGreaterThanOrEqual(10)
  kept.kill('SIGINT')
  const keptResult = await keptEnded
  expect(ended).toMatchObject({ code: 0, stderr: '' })
  expect(keptResult).toMatchObject({ code: 130, stderr: '' })
  for (const { stdout } of [ended, keptResult]) {
    for (const heading of [
      '1. Start',
      '2. Enqueue',
      '3. First run',
      '5. Second run',
      '6. Report on forced labels',
      '7. The tables',
      '8. Query it',
    ]) {
      expect(stdout).toContain(heading)
    }
    expect(stdout).toMatch(/12 forced classifications found/)
    // Labels that were forced before the first run were not observed to change.
    const [, forced = ''] =
      /Which classifications were forced(.*)Which classifications should/s.exec(stdout) ?? []
    const events = forced.match(/^ {3}[0-9a-f]{10} .*$/gm) ?? []
    expect(events.map((event) => event.includes(' human '))).toEqual(Array.from({ length: 12 }, () => true))
    expect(stdout).toMatch(/human .* 2  explained +A\. Rossi\n/)
    expect(stdout).toContain('the history is as it was sealed')
  }
  expect(leftBehind()).toEqual([])
})

it('cleans up when it is interrupted in the middle of its first run', async () => {
  const child = start()
  const ended = finish(child)
  await new Promise<void>((resolve) => {
    child.stdout?.on('data', (chunk) => {
      if (String(chunk).includes('2. Enqueue')) resolve()
    })
  })
  child.kill('SIGTERM')
  expect(await ended).toMatchObject({ code: 143, stderr: '' })
  expect(leftBehind()).toEqual([])
})
