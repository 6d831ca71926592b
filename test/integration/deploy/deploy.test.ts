import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { createProgram } from '../../../src/cli/program.ts'
import { parseDaemonConfig } from '../../../src/platform/config/daemon-config.ts'

const project = path.resolve(import.meta.dirname, '../../..')
const read = (file: string) => readFileSync(path.join(project, file), 'utf8')
const commands = createProgram().commands.map((command) => command.name())

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
