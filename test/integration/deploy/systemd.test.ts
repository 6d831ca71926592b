import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { findFreePort, unprivilegedUser } from '../../../src/devkit/embedded-postgres/server-process.ts'
import { startCannedApi } from '../../support/canned-api.ts'
import { installGlobally } from '../../support/production-install.ts'
import { finish } from '../../support/test-cli.ts'
import { createTestDatabase } from '../../support/test-database.ts'

const project = path.resolve(import.meta.dirname, '../../..')
const UNITS = path.join(project, 'deploy/systemd')
const COMMAND = '/usr/local/bin/identifai-sync'
const SERVICES = ['identifai-sync-daemon.service', 'identifai-sync-nightly.service']

describe.skipIf(spawnSync('systemd-analyze', ['--version']).error)('systemd', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'identifai-units-'))
    cpSync(UNITS, folder, { recursive: true })
    for (const service of SERVICES) {
      const file = path.join(folder, service)
      // The product is not installed on this machine.
      writeFileSync(file, readFileSync(file, 'utf8').replace(COMMAND, '/bin/true'))
    }
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  const analyze = (...args: string[]) => {
    const { status, stderr } = spawnSync('systemd-analyze', args, { cwd: folder, encoding: 'utf8' })
    return { status, stderr }
  }

  it('accepts the units', () => {
    const units = [...SERVICES, 'identifai-sync-nightly.timer'].map((name) => path.join(folder, name))
    expect(analyze('verify', ...units)).toEqual({ status: 0, stderr: '' })
  })

  it.each(SERVICES)('rates the exposure of %s as at most 1.5 of 10', (service) => {
    const file = path.join(folder, service)
    expect(analyze('security', '--offline=yes', '--no-pager', '--threshold=15', file)).toMatchObject({
      status: 0,
    })
  })
})

/** The directives of a service and of the drop-ins for its name, each with its values. */
function readService(name: string): (directive: string) => string[] {
  const prefix = `${name.slice(0, name.lastIndexOf('-') + 1)}.service.d`
  const files = [name, ...readdirSync(path.join(UNITS, prefix)).map((file) => path.join(prefix, file))]
  const text = files.map((file) => readFileSync(path.join(UNITS, file), 'utf8')).join('\n')
  return (directive) =>
    [...text.matchAll(new RegExp(`^${directive}=(.*)$`, 'gm'))].map(([, value = '']) => value)
}

/** The files that docs/operations.md creates. */
const DOCUMENTED = [
  ...readFileSync(path.join(project, 'docs/operations.md'), 'utf8').matchAll(/^\$ echo .* > (\/etc\/\S+)$/gm),
].map(([, file]) => file)

describe('a service of systemd, as an unprivileged user', () => {
  let installed: ReturnType<typeof installGlobally>
  let credentials: string
  beforeAll(() => {
    installed = installGlobally(inject('builtCommand'))
    credentials = mkdtempSync(path.join(os.tmpdir(), 'identifai-credentials-'))
  })
  afterAll(() => {
    installed[Symbol.dispose]()
    rmSync(credentials, { recursive: true })
  })

  /** Starts the service with files of /etc/identifai-sync, by their names. */
  async function start(name: string, files: Readonly<Record<string, string>>): Promise<ChildProcess> {
    const service = readService(name)
    const user = await unprivilegedUser()
    const sources = service('LoadCredential').map((value) => value.split(':') as [string, string])
    expect(sources.map(([, source]) => source)).toEqual(DOCUMENTED)
    for (const [id, source] of sources) {
      const file = path.join(credentials, id)
      // The user who wrote the file of another service may not write it again.
      rmSync(file, { force: true })
      writeFileSync(file, files[path.basename(source)] ?? '', { mode: 0o400 })
      if (user) chownSync(file, user.uid, user.gid)
    }
    chmodSync(credentials, 0o755)
    const environment = [
      ...service('Environment').map((line) => line.replaceAll('%d', credentials)),
      ...service('EnvironmentFile').flatMap((file) => (files[path.basename(file)] ?? '').split('\n')),
    ].map((line) => line.split(/=(.*)/, 2))
    const [program, ...args] = service('ExecStart')[0]?.split(' ') ?? []
    expect(program).toBe(COMMAND)
    return spawn(path.join(installed.prefix, 'bin/identifai-sync'), args, {
      cwd: '/',
      env: { PATH: `${installed.prefix}/bin:/usr/bin:/bin`, ...Object.fromEntries(environment) },
      ...user,
    })
  }

  it('executes one run, with its secrets from credentials', async () => {
    await using own = await createTestDatabase()
    await using api = await startCannedApi((identifiers) =>
      identifiers.map((identifier) => ({ identifier, status: 'done' })),
    )
    await sql`insert into identifai.identifiers (identifier) values ('a')`.execute(own.db)
    const run = await start('identifai-sync-nightly.service', {
      'database-url': own.url,
      'api-key': 'key',
      'settings.env': `IDENTIFAI_API_URL=${api.url}`,
    })
    expect(await finish(run)).toMatchObject({ code: 0 })
    expect(api.requests).toEqual([['a']])
  })

  it('is the daemon, whose stop is a success', async () => {
    await using own = await createTestDatabase()
    const port = await findFreePort()
    const daemon = await start('identifai-sync-daemon.service', {
      'database-url': own.url,
      'api-key': 'key',
      'settings.env': `IDENTIFAI_API_URL=http://127.0.0.1:9/api\nHTTP_PORT=${port}`,
    })
    const ended = once(daemon, 'exit')
    daemon.stderr?.resume()
    const ready = () =>
      fetch(`http://127.0.0.1:${port}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      )
    while (!(await ready()) && daemon.exitCode === null) await sleep(100)
    daemon.kill('SIGTERM')
    const [code] = (await ended) as [number]
    expect(readService('identifai-sync-daemon.service')('SuccessExitStatus')).toEqual([String(code)])
  })
})

it('the timer starts its service every night, also after the machine was off', () => {
  const timer = readFileSync(path.join(UNITS, 'identifai-sync-nightly.timer'), 'utf8')
  expect(timer).toContain('\nOnCalendar=*-*-* 02:00:00 UTC\n')
  expect(timer).toContain('\nPersistent=true\n')
})
