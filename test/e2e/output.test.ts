import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestCli, type TestCli } from '../support/test-cli.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'

let cli: TestCli
let bench: TestApp
let folder: string
let environment: NodeJS.ProcessEnv

beforeAll(async () => {
  cli = createTestCli()
  bench = await createTestApp()
  folder = mkdtempSync(path.join(os.tmpdir(), 'identifai-sync-output-'))
  environment = { DATABASE_URL: bench.database.url }
  await bench.load({ count: 5, outcome: 'done' })
})
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await bench[Symbol.asyncDispose]()
  cli[Symbol.dispose]()
})

const REPORT = ['report', 'forced', '--allow-incomplete', '--format', 'json']

describe('--output', () => {
  it('writes through a device, and leaves it a device', async () => {
    const { code } = await cli.call([...REPORT, '--output', '/dev/null'], environment)
    expect(code).toBe(0)
    expect(lstatSync('/dev/null').isCharacterDevice()).toBe(true)
  })

  it('writes through a link, and leaves it a link', async () => {
    const [target, link] = [path.join(folder, 'target.json'), path.join(folder, 'link.json')]
    writeFileSync(target, 'before')
    symlinkSync(target, link)
    expect((await cli.call([...REPORT, '--output', link], environment)).code).toBe(0)
    expect(lstatSync(link).isSymbolicLink()).toBe(true)
    expect(JSON.parse(readFileSync(target, 'utf8'))).toHaveProperty('data_digest')
  })

  it('replaces a file by a new one, so that a program that reads the former one has all of it', async () => {
    const file = path.join(folder, 'replaced.json')
    writeFileSync(file, 'before')
    const reader = openSync(file, 'r')
    expect((await cli.call([...REPORT, '--output', file], environment)).code).toBe(0)
    expect(readFileSync(reader, 'utf8')).toBe('before')
    closeSync(reader)
    expect(JSON.parse(readFileSync(file, 'utf8'))).toHaveProperty('data_digest')
  })

  it('writes into a FIFO', async () => {
    const fifo = path.join(folder, 'fifo')
    execFileSync('mkfifo', [fifo])
    const reader = spawn('cat', [fifo])
    const closed = once(reader, 'close')
    let text = ''
    reader.stdout.on('data', (part) => {
      text += String(part)
    })
    expect((await cli.run([...REPORT, '--output', fifo], environment)).code).toBe(0)
    await closed
    expect(JSON.parse(text)).toHaveProperty('data_digest')
    expect(lstatSync(fifo).isFIFO()).toBe(true)
  })

  it('- is standard output', async () => {
    const { code, stdout, stderr } = await cli.call([...REPORT, '--output', '-'], environment)
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('Written')])
    expect(JSON.parse(stdout)).toHaveProperty('data_digest')
  })
})

it('a text from outside cannot control the terminal of the operator', async () => {
  const text = 'evil \u001B[2J\u009B31m \u202Etxt'
  // The table refuses control characters in an identifier.
  const hostile = 'evil \u202Etxt'
  await sql`
    insert into identifai.identifiers (identifier, state, due_at, last_error) values (${hostile}, 'quarantined', null, ${text})`.execute(
    bench.app.db,
  )
  writeFileSync(path.join(folder, 'hostile.csv'), `"${text}"\nid-1\n`)
  const escaped = 'evil \\u{1b}[2J\\u{9b}31m \\u{202e}txt'
  for (const [shown, ...args] of [
    [escaped, 'status'],
    [escaped, 'status', '--stuck'],
    ['evil \\u{202e}txt', 'explain', hostile],
    ['1 identifier due now', 'requeue', hostile],
    ['Argument 2 is not an identifier', 'requeue', hostile, 'unknown \u001B[2J'],
    ['Argument 1 is not an identifier', 'retire', 'unknown \u001B[2J', '--reason', 'x'],
    [escaped, 'reconcile', path.join(folder, 'hostile.csv')],
    [escaped, 'enqueue', '--file', path.join(folder, 'hostile.csv'), '--csv'],
  ] as const) {
    const { stdout, stderr } = await cli.call(args, environment)
    expect(stdout + stderr).toContain(shown)
    expect([args, (stdout + stderr).match(/[^\P{C}\n]/gu)]).toEqual([args, null])
  }
})

it('status and doctor show a pause, and resume ends it', async () => {
  const none = await cli.call(['resume'], environment)
  expect(none).toMatchObject({ code: 0, stdout: 'Requests are not paused.\n' })
  await sql`update identifai.api_quota set paused_until = now() + interval '30 minutes'`.execute(bench.app.db)
  const { stdout } = await cli.call(['status'], environment)
  expect(stdout).toMatch(
    /Requests are paused until \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ.* identifai-sync resume\n/,
  )
  const api = {
    ...environment,
    IDENTIFAI_API_URL: bench.simulator.apiUrl,
    IDENTIFAI_API_KEY: 'test-key-0123456789',
  }
  const doctor = await cli.call(['doctor'], api)
  expect(doctor.stdout).toMatch(/warning +pause: Requests are paused until/)
  expect(doctor.stdout).toMatch(/skipped +api: Requests are paused, so none was sent\./)
  const quiet = await cli.call(['doctor', '--quiet'], api)
  expect(quiet.stdout).toMatch(/^warning +pause: /m)
  expect(quiet.stdout).not.toMatch(/^(ok|skipped)/m)
  expect((await cli.call(['resume'], environment)).stdout).toMatch(/^The pause until .* has ended\.$/m)
  const document = await cli.call(['resume', '--json'], environment)
  expect(JSON.parse(document.stdout)).toEqual({ ended_pause_until: null })
  expect((await cli.call(['status'], environment)).stdout).not.toContain('paused')
  await bench.makeAllDue()
  await bench.run()
})
