import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const project = path.resolve(import.meta.dirname, '../..')
const SCRIPT = path.join(project, 'identifai-sync')

let folder: string
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'identifai sync script '))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Runs a command line in another folder than the checkout. PATH has no Node. */
function run(command: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  const env = { PATH: '/usr/bin:/bin', ...environment }
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: folder, env, encoding: 'utf8' })
  return { code: status, stdout, stderr }
}

describe('the start script of a checkout', () => {
  it('starts the Node of the checkout, also where the machine has another one', () => {
    const bin = path.join(folder, 'bin')
    mkdirSync(bin)
    writeFileSync(path.join(bin, 'node'), '#!/bin/sh\nexit 99\n', { mode: 0o755 })
    const { code, stdout } = run(SCRIPT, ['--version'], { PATH: `${bin}:/usr/bin:/bin` })
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
  })

  it('reads files and .env of the folder from which it is called', () => {
    writeFileSync(path.join(folder, '.env'), 'DATABASE_URL=localhost/x\n')
    writeFileSync(path.join(folder, 'ids.txt'), 'a\n')
    const { code, stderr } = run(SCRIPT, ['enqueue', '--file', 'ids.txt'])
    rmSync(path.join(folder, '.env'))
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('DATABASE_URL must be') })
  })

  it('without npm ci says so in one sentence', () => {
    const checkout = path.join(folder, 'checkout')
    mkdirSync(path.join(checkout, 'src'), { recursive: true })
    copyFileSync(SCRIPT, path.join(checkout, 'identifai-sync'))
    expect(run('checkout/identifai-sync', ['status'])).toEqual({
      code: 2,
      stdout: '',
      stderr: `error: identifai-sync is not installed yet. Run npm ci in ${checkout}\n`,
    })
  })

  it('is named in messages and help as it was called', () => {
    symlinkSync(SCRIPT, path.join(folder, 'identifai-sync'))
    const status = (command: string, PATH: string) => run(command, ['status'], { PATH }).stderr
    expect(status('./identifai-sync', '/usr/bin:/bin')).toMatch(/\. \.\/identifai-sync --help lists/)
    expect(status(SCRIPT, '/usr/bin:/bin')).toContain(`. ${SCRIPT} --help lists`)
    expect(status('identifai-sync', `${project}:/usr/bin:/bin`)).toContain('. identifai-sync --help lists')
    expect(run('./identifai-sync', ['sync', '--help']).stdout).toMatch(/^Usage: \.\/identifai-sync sync/)
  })
})

describe('under npm', () => {
  const npm = (variables: NodeJS.ProcessEnv, ...args: string[]) =>
    run(SCRIPT, args, { npm_command: 'run-script', ...variables })

  it('an option that npm took for itself is an error', () => {
    expect(npm({ npm_config_dry_run: 'true' }, 'sync', '--refresh-all')).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('npm took the option --dry-run for itself, so nothing was started.'),
    })
    expect(npm({ npm_config_from: '2026-07-01' }, 'report', 'forced').stderr).toContain('--from')
  })

  it('an option of another command, or one of npm itself, is none', () => {
    expect(npm({ npm_config_dry_run: 'true' }, 'status').stderr).toContain('DATABASE_URL is not set')
    expect(npm({ npm_config_yes: 'true' }, 'migrate').stderr).toContain('DATABASE_URL is not set')
  })
})
