import { readdirSync } from 'node:fs'
import os from 'node:os'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { FOLDER_PREFIX } from '../../src/embedded-postgres/remove-orphans.ts'
import { type BuiltCli, buildCli, finish } from '../support/built-cli.ts'

let cli: BuiltCli
beforeAll(() => {
  cli = buildCli()
})
afterAll(() => cli[Symbol.dispose]())

/** Folders of embedded servers; the suite's own server has one too. */
function servers(): string[] {
  return readdirSync(os.tmpdir()).filter((name) => name.startsWith(FOLDER_PREFIX))
}

it('runs twice at once, from a path with a space, and leaves nothing behind', async () => {
  const before = servers()
  const results = await Promise.all([finish(cli.start(['demo'])), finish(cli.start(['demo']))])
  for (const { code, stdout, stderr } of results) {
    expect(stderr).toBe('')
    expect(code).toBe(0)
    for (const heading of [
      '1. Start',
      '2. Enqueue',
      '3. First pass',
      '5. Second pass',
      '6. What is where',
      '7. Ask it',
    ]) {
      expect(stdout).toContain(heading)
    }
    expect(stdout).toMatch(/12 forced classifications noticed/)
  }
  expect(servers()).toEqual(before)
})

it('keeps running with --keep, can be connected to, and cleans up on Ctrl-C', async () => {
  const before = servers()
  const child = cli.start(['demo', '--keep'])
  const ended = finish(child)
  const url = await new Promise<string>((resolve) => {
    let text = ''
    child.stdout?.on('data', (chunk) => {
      text += String(chunk)
      const found = /DATABASE_URL='([^']+)'[\s\S]*cli -- status/.exec(text)
      if (found?.[1]) resolve(found[1])
    })
  })
  const client = new pg.Client(url)
  await client.connect()
  const { rows } = await client.query('select count(*)::int as count from identifai.classifications')
  expect(rows).toEqual([{ count: 3000 }])
  await client.end()
  child.kill('SIGINT')
  expect(await ended).toMatchObject({ code: 130, stderr: '' })
  expect(servers()).toEqual(before)
})

it('cleans up when it is interrupted in the middle', async () => {
  const before = servers()
  const child = cli.start(['demo'])
  const ended = finish(child)
  await new Promise<void>((resolve) => {
    child.stdout?.on('data', (chunk) => {
      if (String(chunk).includes('3. First pass')) resolve()
    })
  })
  child.kill('SIGTERM')
  expect(await ended).toMatchObject({ code: 143, stderr: '' })
  expect(servers()).toEqual(before)
})
