import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Ajv } from 'ajv'
import formats from 'ajv-formats'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { createProgram } from '../../../src/cli/program.ts'
import { parseDatabaseConfig } from '../../../src/platform/config/config.ts'
import { parseDaemonConfig } from '../../../src/platform/config/daemon-config.ts'

const project = path.resolve(import.meta.dirname, '../../..')
const read = (file: string) => readFileSync(path.join(project, file), 'utf8')
const commands = createProgram().commands.map((command) => command.name())

interface Service {
  readonly command?: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
}

describe('docker-compose.yml', () => {
  /** The only variables in .env. The test substitutes them as Compose does. */
  const given: Readonly<Record<string, string>> = { POSTGRES_PASSWORD: 'secret', IDENTIFAI_API_KEY: 'key' }
  const text = read('docker-compose.yml').replaceAll(
    /\$\{(\w+)(?::-([^}]*)|:\?[^}]*)\}/g,
    (_, name: string, otherwise?: string) => given[name] ?? otherwise ?? '',
  )
  const compose = parse(text) as { readonly services: Readonly<Record<string, Service>> }

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

  it('runs existing commands with valid settings, after the services that they need', () => {
    const { postgres, migrate, daemon, simulator } = compose.services as Record<string, Service>
    expect(migrate?.command).toEqual(['migrate'])
    expect(simulator?.command).toEqual(['simulate'])
    expect(commands).toEqual(expect.arrayContaining(['migrate', 'simulate', 'schedule']))
    expect(parseDatabaseConfig(migrate?.environment ?? {}).databaseUrl).toContain('@postgres:5432/identifai')
    expect(parseDaemonConfig(daemon?.environment ?? {})).toMatchObject({
      databaseUrl: 'postgresql://identifai:secret@postgres:5432/identifai',
      apiKey: 'key',
      apiUrl: 'https://backend.identifai.net/api',
      httpHost: '0.0.0.0',
    })
    expect(postgres?.environment).toMatchObject({ POSTGRES_DB: 'identifai', POSTGRES_USER: 'identifai' })
    expect(migrate?.depends_on).toEqual({ postgres: { condition: 'service_healthy' } })
    expect(daemon?.depends_on).toEqual({ migrate: { condition: 'service_completed_successfully' } })
  })

  it('accepts the simulated API on loopback', () => {
    const { daemon } = compose.services as Record<string, Service>
    const environment = { ...daemon?.environment, IDENTIFAI_API_URL: 'http://127.0.0.1:8787/api' }
    expect(parseDaemonConfig(environment).apiUrl).toBe('http://127.0.0.1:8787/api')
  })
})

it('the Deployment runs the daemon with its probes, and not as root', () => {
  const { spec } = parse(read('deploy/deployment.yaml')) as {
    spec: { template: { spec: { containers: Record<string, unknown>[]; securityContext: object } } }
  }
  const pod = spec.template.spec
  const [container] = pod.containers as [{ args: string[]; env: { name: string; value: string }[] }]
  expect(container).toMatchObject({
    args: ['schedule'],
    ports: [{ name: 'http', containerPort: 9464 }],
    livenessProbe: { httpGet: { path: '/livez', port: 'http' } },
    readinessProbe: { httpGet: { path: '/readyz', port: 'http' } },
  })
  const given = Object.fromEntries(container.env.map(({ name, value }) => [name, value]))
  const secret = { DATABASE_URL: 'postgresql://u@h/x', IDENTIFAI_API_KEY: 'k' }
  expect(parseDaemonConfig({ ...given, ...secret })).toMatchObject({ httpHost: '0.0.0.0', httpPort: 9464 })
  expect(pod.securityContext).toMatchObject({ runAsNonRoot: true })
})

it('the CronJob runs an existing command, never two at the same time, and not as root', () => {
  const { spec } = parse(read('deploy/cronjob.yaml')) as {
    spec: {
      schedule: string
      concurrencyPolicy: string
      jobTemplate: {
        spec: { template: { spec: { containers: { args: string[] }[]; securityContext: object } } }
      }
    }
  }
  const pod = spec.jobTemplate.spec.template.spec
  expect(spec).toMatchObject({ schedule: '0 2 * * *', concurrencyPolicy: 'Forbid' })
  expect(commands).toContain(pod.containers[0]?.args[0])
  expect(pod.securityContext).toMatchObject({ runAsNonRoot: true })
})

it.skipIf(spawnSync('systemd-analyze', ['--version']).status !== 0)(
  'systemd accepts the units and the timer',
  () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'identifai-units-'))
    try {
      const units = ['identifai-sync.service', 'identifai-sync-daemon.service', 'identifai-sync.timer'].map(
        (name) => {
          // The product is not installed on this machine.
          const text = read(`deploy/${name}`).replace('/usr/local/bin/identifai-sync', '/bin/true')
          writeFileSync(path.join(folder, name), text)
          return path.join(folder, name)
        },
      )
      const { stderr, status } = spawnSync('systemd-analyze', ['verify', ...units], { encoding: 'utf8' })
      expect(stderr).toBe('')
      expect(status).toBe(0)
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
)
