import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseEnv } from 'node:util'
import { Ajv } from 'ajv'
import formats from 'ajv-formats'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { EmbeddedPostgres } from '../../../src/devkit/embedded-postgres/start-embedded-postgres.ts'
import { startTestServer } from '../../support/start-test-server.ts'
import { findFreePort } from '../../../src/devkit/embedded-postgres/server-process.ts'
import { onServer } from '../../support/on-server.ts'
import { buildImage, type Image } from '../../support/build-image.ts'
import { finish } from '../../support/test-cli.ts'

const project = path.resolve(import.meta.dirname, '../../..')
const read = (file: string) => readFileSync(path.join(project, file), 'utf8')

interface Service {
  readonly image: string
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly env_file?: string
  readonly volumes?: readonly string[]
  readonly ports?: readonly string[]
  readonly restart?: string
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
}

/** The file as Compose reads it, with the variables of .env. */
function readCompose(variables: Readonly<Record<string, string | undefined>>) {
  const text = read('docker-compose.yml').replaceAll(/\$\{(\w+):\?[^}]*\}/g, (_, name: string) => {
    if (!variables[name]) throw new Error(`${name} is not set`)
    return variables[name]
  })
  return parse(text, { merge: true }) as { readonly services: Readonly<Record<string, Service>> }
}

const [, section = ''] = read('docs/operations.md').split('## Use Docker Compose\n')
/** The commands that the page has for it. */
const COMMANDS = [...(section.split('\n## ')[0] ?? '').matchAll(/^\$ (.+)$/gm)].map(
  ([, command = '']) => command,
)

describe('docker-compose.yml', () => {
  const PASSWORDS = ['POSTGRES', 'OWNER', 'JOB', 'ENQUEUER', 'READER']
  const compose = readCompose(Object.fromEntries(PASSWORDS.map((name) => [`${name}_PASSWORD`, 'secret'])))

  it("fits the Compose specification's schema", () => {
    const ajv = new Ajv({ strict: false, allErrors: true })
    formats.default(ajv)
    const { $schema: _, ...schema } = JSON.parse(read('test/fixtures/compose-spec.json')) as Record<
      string,
      unknown
    >
    const fits = ajv.compile(schema)
    expect(fits(compose), JSON.stringify(fits.errors)).toBe(true)
    expect(fits({ ...compose, services: { daemon: { imag: 'x' } } })).toBe(false)
  })

  it('publishes ports on loopback only, and gives its own containers no more than they need', () => {
    for (const { image, ports = [], ...service } of Object.values(compose.services)) {
      expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([])
      if (image.startsWith('postgres:')) continue
      expect(service).toMatchObject({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      })
    }
  })
})

const PROGRAMS = ['psql', 'pg_isready', 'openssl']
const HAS_PROGRAMS = PROGRAMS.every((name) => !spawnSync(name, ['--version']).error)

/** The services run without Docker. In place of their network, they get the address of a server of the test. */
describe.skipIf(!HAS_PROGRAMS)(`the services of docker-compose.yml (with ${PROGRAMS.join(', ')})`, () => {
  let server: EmbeddedPostgres
  let image: Image
  beforeAll(async () => {
    server = await startTestServer()
    image = buildImage()
  })
  afterAll(async () => {
    await server.stop()
    image[Symbol.dispose]()
  })

  it('create the roles, migrate, grant, and execute runs, each with the privileges of its role', async () => {
    const createPasswords = COMMANDS.find((command) => command.endsWith(' > .env'))?.replace(/ > .env$/, '')
    const passwords = parseEnv(execFileSync('sh', ['-c', createPasswords ?? ''], { encoding: 'utf8' }))
    const { services } = readCompose(passwords)
    const { hostname: host, port, password } = new URL(server.url())
    const settings: Record<string, string> = {}
    const start = ({ environment, env_file: file, command }: Service, args = command) =>
      image.start(args, {
        ...(file === 'identifai-sync.env' && settings),
        ...environment,
        DATABASE_URL: environment?.DATABASE_URL?.replace('@postgres/', `@${host}:${port}/`) ?? '',
      })
    await using stack = new AsyncDisposableStack()
    const startAndKeep = (...given: Parameters<typeof start>) => {
      const child = start(...given)
      stack.defer(async () => {
        const ended = once(child, 'exit')
        if (child.exitCode === null && child.kill('SIGKILL')) await ended
      })
      return child
    }

    /** Repeats a container as Docker does: with growing delays, for the number of times that the file permits. */
    const complete = async (service: Service, onRetry = () => {}) => {
      const [, retries = '0'] = /^on-failure:(\d+)$/.exec(service.restart ?? '') ?? []
      for (let left = Number(retries), delay = 100; ; left--, delay *= 2) {
        const result = await finish(start(service))
        if (result.code === 0) return result
        if (left === 0) throw new Error(result.stderr)
        onRetry()
        await sleep(delay)
      }
    }

    const order = dependenciesOf(services, 'daemon')
    expect(order[0]).toEqual('postgres')
    const { postgres, migrate, daemon, simulator } = services as Record<string, Service>
    if (!postgres || !migrate || !daemon || !simulator) throw new Error('A service is missing.')

    // The database is created only after migrate has failed.
    const failed = Promise.withResolvers<void>()
    const migrated = complete(migrate, failed.resolve)
    await Promise.race([failed.promise, migrated])
    await onServer(server.url(), `create database ${postgres.environment?.POSTGRES_DB}`)
    const scripts = postgres.volumes?.flatMap(
      (volume) => /^(.+):\/docker-entrypoint-initdb\.d\//.exec(volume)?.[1] ?? [],
    )
    for (const script of scripts ?? []) {
      // As the entrypoint of the image of PostgreSQL does.
      const flags = ['-v', 'ON_ERROR_STOP=1', '--no-password', '--no-psqlrc', '--username=postgres']
      execFileSync('psql', [...flags, '--dbname=identifai', '--file', path.join(project, script)], {
        env: {
          ...postgres.environment,
          PATH: process.env.PATH,
          PGHOST: host,
          PGPORT: port,
          PGPASSWORD: password,
        },
        stdio: ['ignore', 'ignore', 'pipe'],
      })
    }
    const [, program = '', ...check] = postgres.healthcheck?.test ?? []
    // The server of the test has no Unix socket.
    execFileSync(program, check, { env: { PATH: process.env.PATH, PGPORT: port } })
    await migrated
    for (const name of order.slice(1)) {
      const { stdout } = await complete(services[name] as Service)
      // All settings that need an administrator were made.
      expect(stdout).not.toContain('administrator')
    }

    const simulating = startAndKeep(simulator, [...(simulator.command ?? []), '--port', '0'])
    let origin = ''
    for await (const text of simulating.stdout ?? []) {
      origin = /Its identifiers: (\S+)\/_simulator/.exec(String(text))?.[1] ?? ''
      if (origin) break
    }
    Object.assign(settings, {
      IDENTIFAI_API_KEY: 'simulator-key',
      IDENTIFAI_API_URL: `${origin}/api`,
      SYNC_FRESH_SCHEDULE: '* * * * * *',
      HTTP_PORT: String(await findFreePort()),
    })
    const running = startAndKeep(daemon)
    const ended = once(running, 'exit')
    running.stderr?.resume()
    const identifiers = await (await fetch(`${origin}/_simulator/identifiers`)).text()
    const calls = COMMANDS.filter((command) => command.startsWith('docker compose run '))
    expect(calls.length).toBeGreaterThan(1)
    for (const call of calls) {
      // Without a terminal, because standard input is a file.
      const [, words = '', file] = /^docker compose run --rm -T daemon (.*?)(?: < (\S+))?$/.exec(call) ?? []
      const child = start(daemon, words.split(' '))
      child.stdin?.end(file ? identifiers : '')
      expect(await finish(child)).toMatchObject({ code: 0 })
    }

    const user = { user: 'identifai_bi', password: passwords.READER_PASSWORD }
    const analyst = new Client({ host, port: Number(port), database: 'identifai', ...user })
    await analyst.connect()
    stack.defer(() => analyst.end())
    const rowsOf = async (query: string) => (await analyst.query(query)).rows as Record<string, unknown>[]
    const loaded = async () =>
      (await rowsOf('select count(*)::integer as n from identifai_reporting.classifications'))[0]?.n
    const count = identifiers.trim().split('\n').length
    while ((await loaded()) !== count && running.exitCode === null) await sleep(200)
    // The daemon has a connection from time to time only. While it authenticates, it has no user.
    const connected = () =>
      rowsOf(`select distinct usename from pg_stat_activity where application_name = 'identifai-sync'
        and usename is not null`)
    let users = await connected()
    while (users.length === 0 && running.exitCode === null) users = await connected()
    expect(users).toEqual([{ usename: 'identifai_sync' }])
    expect(await rowsOf('show jit')).toEqual([{ jit: 'off' }])
    await expect(rowsOf('select from identifai.identifiers')).rejects.toThrow('permission denied')
    running.kill('SIGTERM')
    expect(await ended).toEqual([143, null])
  })
})

/** The services that one needs, in the order of their start. Each has to be healthy, or to have completed. */
function dependenciesOf(services: Readonly<Record<string, Service>>, name: string): string[] {
  return Object.entries(services[name]?.depends_on ?? {}).flatMap(([needed, { condition }]) => {
    const isServer = services[needed]?.healthcheck !== undefined
    expect(condition).toBe(isServer ? 'service_healthy' : 'service_completed_successfully')
    return [...dependenciesOf(services, needed), needed]
  })
}
