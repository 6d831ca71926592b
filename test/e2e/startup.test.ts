import { execFileSync } from 'node:child_process'
import { symlinkSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestCli, type TestCli } from '../support/test-cli.ts'
import { createTestDatabase } from '../support/test-database.ts'

let cli: TestCli
beforeAll(() => {
  cli = createTestCli()
})
afterAll(() => cli[Symbol.dispose]())

/** Prints the loaded packages on standard error when the process exits. */
const PRINT_PACKAGES = `
  import { registerHooks } from 'node:module'
  const packages = new Set()
  registerHooks({
    load(url, context, next) {
      const [, name] = /node_modules\\/((?:@[^/]+\\/)?[^/]+)(?!.*node_modules)/.exec(url) ?? []
      if (name) packages.add(name)
      return next(url, context)
    },
  })
  process.on('exit', () => process.stderr.write('\\nLOADED ' + JSON.stringify([...packages])))`

async function packagesOf(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<string[]> {
  const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(PRINT_PACKAGES)}`
  const { stderr, code } = await cli.run(args, { ...environment, NODE_OPTIONS })
  expect(code, stderr).toBe(0)
  return JSON.parse(stderr.slice(stderr.lastIndexOf('LOADED ') + 'LOADED '.length)) as string[]
}

it('the command limits the memory of Node, also where it is called by a link', async () => {
  const link = path.join(cli.folder, 'link')
  symlinkSync(cli.command, link)
  const output = execFileSync(link, ['--version'], {
    env: {
      PATH: `${path.dirname(process.execPath)}:${process.env.PATH}`,
      NODE_OPTIONS:
        '--import=data:text/javascript,console.log(process.execArgv.join(),process.env.MALLOC_ARENA_MAX)',
    },
    encoding: 'utf8',
  })
  expect(output).toMatch(/--max-semi-space-size=8 2\n\d+\.\d+\.\d+\n$/)
})

it('--help, of the program and of each command, loads the command line and nothing else', async () => {
  for (const args of [
    ['--help'],
    ['sync', '--help'],
    ['schedule', '--help'],
    ['report', 'forced', '--help'],
  ]) {
    expect((await packagesOf(args)).toSorted()).toEqual(['@commander-js/extra-typings', 'commander'])
  }
})

it('a command loads no package that it does not need', async () => {
  await using own = await createTestDatabase()
  const environment = {
    DATABASE_URL: own.url,
    IDENTIFAI_API_KEY: 'k',
    IDENTIFAI_API_URL: 'http://127.0.0.1:9',
  }
  const status = await packagesOf(['status'], environment)
  expect(status).toEqual(expect.arrayContaining(['commander', 'kysely', 'pg', 'zod']))
  for (const name of ['undici', 'fastify', 'prom-client', 'csv-parse', 'eta', 'pkijs'])
    expect(status).not.toContain(name)
  const sync = await packagesOf(['sync'], environment)
  expect(sync).toEqual(expect.arrayContaining(['undici', 'p-retry']))
  for (const name of ['fastify', 'prom-client', 'node-cron', 'csv-parse', 'eta', 'pkijs'])
    expect(sync).not.toContain(name)
})
