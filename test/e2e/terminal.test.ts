import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunningSimulator } from '../../src/devkit/simulator/simulator.ts'
import { type CliStage, createCliStage } from '../support/cli-stage.ts'
import { hasTerminal, runOnTerminal } from '../support/terminal.ts'
import type { TestCli } from '../support/test-cli.ts'
import { createTestDatabase } from '../support/test-database.ts'

let stage: CliStage
let cli: TestCli
let simulator: RunningSimulator
let environment: NodeJS.ProcessEnv
beforeAll(async () => {
  stage = await createCliStage()
  ;({ cli, simulator, environment } = stage)
  await cli.call(['enqueue', ...simulator.world.register({ count: 3, outcome: 'done' })], environment)
})
afterAll(() => stage[Symbol.asyncDispose]())

const CYAN_PENDING = ['\u001B[36m', '\u001B[39m'].join('pending')

/** The settings for a database with an identifier that no test requests. */
async function pending() {
  const own = await createTestDatabase()
  await sql`insert into identifai.identifiers (identifier) values ('a')`.execute(own.db)
  return {
    environment: { ...environment, DATABASE_URL: own.url },
    [Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
  }
}

it('colors of states and findings are for terminals only, unless they are chosen', async () => {
  await using own = await pending()
  const plain = await cli.run(['status'], own.environment)
  expect(plain.stdout).not.toContain('\u001B')
  expect((await cli.run(['status', '--color', 'always'], own.environment)).stdout).toContain(CYAN_PENDING)
  const json = await cli.run(['status', '--json', '--color', 'always'], own.environment)
  expect(json.stdout).not.toContain('\u001B')
})

it.skipIf(!hasTerminal)('a terminal shows colors, but not with NO_COLOR or --color never', async () => {
  await using own = await pending()
  const screen = async (args: string[], more: NodeJS.ProcessEnv = {}) =>
    (await runOnTerminal([cli.command, ...args], { cli, environment: { ...own.environment, ...more } }))
      .screen
  expect(await screen(['status'])).toContain(CYAN_PENDING)
  expect(await screen(['doctor', '--color', 'auto'])).toContain('\u001B[32mok\u001B[39m       database')
  for (const text of [
    await screen(['status'], { NO_COLOR: '1' }),
    await screen(['status', '--color', 'never']),
  ])
    expect(text).not.toContain('\u001B')
})

it.skipIf(!hasTerminal)(
  'report verify shows its progress on a terminal, but not with --quiet, and Ctrl-C ends it',
  async () => {
    await cli.call(['sync'], environment)
    const command = [cli.command, 'report', 'verify', '--tables']
    const { code, screen } = await runOnTerminal(command, { cli, environment })
    expect([code, screen]).toEqual([0, expect.stringMatching(/3 classifications compared(?! with)/)])
    const quiet = await runOnTerminal([...command, '--quiet'], { cli, environment })
    expect(quiet).toEqual({ code: 0, screen: expect.not.stringMatching(/Verifying|compared(?! with)/) })
    const lock = await stage.database.pool.connect()
    await lock.query('begin; lock table identifai.revision_payloads')
    const interrupted = await runOnTerminal(command, {
      cli,
      environment,
      steps: [['Verifying the history', '\u0003']],
    })
    await lock.query('rollback')
    lock.release()
    // Python gives -2 for a process that SIGINT ended.
    expect(interrupted.code).toBe(256 - 2)
  },
)

describe('--quiet', () => {
  it('prints nothing when all went well, but the document of --json', async () => {
    expect(await cli.run(['sync', '--quiet'], environment)).toEqual({ code: 0, stdout: '', stderr: '' })
    const [identifier = ''] = simulator.world.identifiers
    expect(await cli.run(['-q', 'requeue', identifier], environment)).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    })
    const json = await cli.run(['sync', '-q', '--json'], environment)
    expect(JSON.parse(json.stdout)).toMatchObject({ status: 'succeeded' })
    expect(json.stderr).toBe('')
  })

  it('prints dry runs, problems and errors', async () => {
    await cli.call(['sync'], environment)
    expect((await cli.call(['status', '--quiet'], environment)).stdout).toBe('')
    expect((await cli.call(['status', '--stuck', '--quiet'], environment)).stdout).toBe('')
    expect((await cli.call(['doctor', '--quiet'], environment)).stdout).toBe('')
    const wrong = await cli.call(['doctor', '--quiet'], { ...environment, SYNC_RETRIES: 'x' })
    expect(wrong.code).toBe(2)
    expect(wrong.stdout).toMatch(/^failed {3}configuration: SYNC_RETRIES must .*\n +Correct it\. .*\n$/)
    expect((await cli.call(['enqueue', 'x', '--dry-run', '--quiet'], environment)).stdout).toContain(
      'dry run',
    )
    expect((await cli.call(['requeue', 'unknown', '--quiet'], environment)).stderr).toMatch(/^error: Nothing/)
    const wrongKey = { ...environment, IDENTIFAI_API_KEY: 'wrong' }
    await cli.call(['requeue', ...simulator.world.identifiers], environment)
    const { code, stdout, stderr } = await cli.run(['sync', '--quiet'], wrongKey)
    expect([code, stdout, stderr]).toEqual([
      4,
      expect.stringMatching(/^Run .* failed after/),
      expect.stringMatching(/error: .*refuses the key.*\n$/s),
    ])
    const { stdout: status } = await cli.call(['status', '--quiet'], environment)
    expect(status).toMatch(/^Needs attention:\n- The run of .* failed: .*refuses the key/)
    expect(status).not.toContain('due now')
  })
})

it('sync with nothing due says how many wait, and when the next one is due', async () => {
  await cli.call(['sync'], environment)
  const { stdout } = await cli.call(['sync'], environment)
  expect(stdout).toMatch(
    /Nothing was due\. 3 identifiers wait, and the next one is due at \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ\.\n/,
  )
})

it('plan begins with the time and the requests of a run', async () => {
  await cli.call(['requeue', ...simulator.world.identifiers], environment)
  expect((await cli.call(['plan'], environment)).stdout).toMatch(
    /^A run that starts now takes 1 second at the quota: 1 request for 3 identifiers, the last one at .*\n\nwhat +identifiers/,
  )
})
