import { chmodSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { withResults } from '../../scripts/bi-results.ts'
import { grantReader } from '../../src/operations/roles/grant-reader.ts'
import { connect } from '../../src/platform/postgres/connect.ts'
import { type BuiltCli, buildCli, finish } from '../support/built-cli.ts'

let cli: BuiltCli
/** A temporary folder of its own: others on the machine may run servers, too. Open to all, as /tmp is. */
let temporary: string
beforeAll(() => {
  cli = buildCli()
  chmodSync(cli.folder, 0o755)
  temporary = path.join(cli.folder, 'temporary')
  mkdirSync(temporary)
  chmodSync(temporary, 0o1777)
})
afterAll(() => cli[Symbol.dispose]())

/** What the demo has left in the temporary folder that it was given. */
function leftBehind(): string[] {
  return readdirSync(temporary)
}

function start(...args: string[]) {
  return cli.start(['demo', ...args], { TMPDIR: temporary })
}

const BI_DOCS = readFileSync(new URL('../../docs/bi.md', import.meta.url), 'utf8')

/** docs/bi.md with the answers that a role gets which may read the views, and nothing else. */
async function requestedByAnalyst(databaseUrl: string): Promise<string> {
  const owner = connect({ connectionString: databaseUrl, maxConnections: 1 })
  await sql`create role analyst login password 'p'`.execute(owner.db)
  await grantReader(owner.db, 'analyst', { withTables: false })
  await owner.db.destroy()
  const url = new URL(databaseUrl)
  url.username = 'analyst'
  url.password = 'p'
  const analyst = connect({ connectionString: url.href, maxConnections: 1 })
  const answered = await withResults(analyst.db, BI_DOCS)
  await analyst.db.destroy()
  return answered
}

it('runs twice at once from a path with a space, keeps running with --keep, gives the answers of docs/bi.md (npm run docs:bi), and leaves nothing behind', async () => {
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
  expect(await requestedByAnalyst(url)).toBe(BI_DOCS)
  expect(BI_DOCS.match(/```sql/g)?.length).toBeGreaterThanOrEqual(10)
  kept.kill('SIGINT')
  const keptResult = await keptEnded
  expect(ended).toMatchObject({ code: 0, stderr: '' })
  expect(keptResult).toMatchObject({ code: 130, stderr: '' })
  for (const { stdout } of [ended, keptResult]) {
    for (const heading of [
      '1. Start',
      '2. Enqueue',
      '3. First pass',
      '5. Second pass',
      '6. Report on what was forced',
      '7. What is where',
      '8. Ask it',
    ]) {
      expect(stdout).toContain(heading)
    }
    expect(stdout).toMatch(/12 forced classifications noticed/)
    expect(stdout).toMatch(/human .* 2  explained +A\. Rossi\n/)
    expect(stdout).toContain('history is as it was sealed')
  }
  expect(leftBehind()).toEqual([])
})

it('cleans up when it is interrupted in the middle', async () => {
  const child = start()
  const ended = finish(child)
  await new Promise<void>((resolve) => {
    child.stdout?.on('data', (chunk) => {
      if (String(chunk).includes('3. First pass')) resolve()
    })
  })
  child.kill('SIGTERM')
  expect(await ended).toMatchObject({ code: 143, stderr: '' })
  expect(leftBehind()).toEqual([])
})
