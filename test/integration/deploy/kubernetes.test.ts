import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { IServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1'
import type { IDeployment } from 'kubernetes-models/apps/v1'
import type { ICronJob, IJob } from 'kubernetes-models/batch/v1'
import type { INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1'
import type { IContainer, IService } from 'kubernetes-models/v1'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { createProgram } from '../../../src/cli/program.ts'
import { parseDaemonConfig } from '../../../src/platform/config/daemon-config.ts'
import { unknownVariables } from '../../../src/platform/config/unknown-variables.ts'

const project = path.resolve(import.meta.dirname, '../../..')
const folder = path.join(project, 'deploy/kubernetes')
const read = (name: string) => readFileSync(path.join(folder, `${name}.yaml`), 'utf8')
const manifest = (name: string): unknown => parse(read(name), { merge: true })

const migrate = manifest('migrate') as IJob
const deployment = manifest('deployment') as IDeployment
const cronjob = manifest('cronjob') as ICronJob
const service = manifest('service') as IService
const monitor = manifest('service-monitor') as IServiceMonitor
const policy = manifest('network-policy') as INetworkPolicy

/** The modules with the types of the manifests, in which Kubernetes' own schemas are. */
const TYPES = {
  migrate: ['kubernetes-models/batch/v1', 'IJob'],
  deployment: ['kubernetes-models/apps/v1', 'IDeployment'],
  cronjob: ['kubernetes-models/batch/v1', 'ICronJob'],
  service: ['kubernetes-models/v1', 'IService'],
  'service-monitor': ['@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1', 'IServiceMonitor'],
  'network-policy': ['kubernetes-models/networking.k8s.io/v1', 'INetworkPolicy'],
} as const

/** Checks manifests by their types, in which no other field is permitted; returns the errors of each. */
function typeErrors(manifests: Readonly<Record<string, readonly [keyof typeof TYPES, unknown]>>) {
  const place = mkdtempSync(path.join(os.tmpdir(), 'identifai-manifests-'))
  try {
    symlinkSync(path.join(project, 'node_modules'), path.join(place, 'node_modules'))
    for (const [name, [kind, content]] of Object.entries(manifests)) {
      const [module, type] = TYPES[kind]
      const source = `import type { ${type} } from '${module}'\nexport const manifest: ${type} = ${JSON.stringify(content)}`
      writeFileSync(path.join(place, `${name}.ts`), source)
    }
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--types', '']
    const compiler = path.join(project, 'node_modules/.bin/tsc')
    const files = Object.keys(manifests).map((name) => `${name}.ts`)
    const { stdout } = spawnSync(compiler, [...options, ...files], { cwd: place, encoding: 'utf8' })
    return (name: string) => stdout.split('\n').filter((line) => line.startsWith(`${name}.ts(`))
  } finally {
    rmSync(place, { recursive: true })
  }
}

describe("Kubernetes' schema", () => {
  const kinds = Object.keys(TYPES) as (keyof typeof TYPES)[]
  let errorsOf: ReturnType<typeof typeErrors>
  beforeAll(() => {
    errorsOf = typeErrors(
      Object.fromEntries(
        kinds.flatMap((kind) => {
          const content = manifest(kind) as { spec: object }
          const wrong = { ...content, spec: { ...content.spec, unknown: 1 } }
          return [
            [kind, [kind, content]],
            [`wrong-${kind}`, [kind, wrong]],
          ] as const
        }),
      ),
    )
  })

  it.each(kinds)('has %s.yaml, and no other field', (kind) => {
    expect(errorsOf(kind)).toEqual([])
    expect(errorsOf(`wrong-${kind}`)).toEqual([expect.stringContaining('"unknown"\' does not exist')])
  })
})

const pods = {
  migrate: migrate.spec?.template,
  deployment: deployment.spec?.template,
  cronjob: cronjob.spec?.jobTemplate.spec?.template,
}
const containersOf = (pod: (typeof pods)[keyof typeof pods]): readonly IContainer[] => [
  ...(pod?.spec?.initContainers ?? []),
  ...(pod?.spec?.containers ?? []),
]

describe.each(Object.entries(pods))('the pod of %s.yaml', (name, pod) => {
  it('has the restricted security profile, and neither a token nor variables of services', () => {
    expect(pod?.spec).toMatchObject({
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      automountServiceAccountToken: false,
      enableServiceLinks: false,
    })
    expect(unknownVariables({ environment: ['IDENTIFAI_SYNC_SERVICE_HOST'], file: [] })).toHaveLength(1)
    for (const container of containersOf(pod))
      expect(container).toMatchObject({
        image: 'identifai-sync',
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
        resources: {
          requests: { cpu: expect.any(String), memory: expect.any(String) },
          limits: { memory: expect.any(String) },
        },
      })
  })

  it('runs existing commands with the secret of its role', () => {
    const commands = createProgram().commands.map((command) => command.name())
    for (const { args, envFrom } of containersOf(pod)) {
      expect(commands).toContain(args?.[0])
      expect(envFrom).toEqual([
        { secretRef: { name: name === 'migrate' ? 'identifai-sync-owner' : 'identifai-sync-job' } },
      ])
    }
  })
})

it('the job migrates first, and grants to the roles of create-roles.sql', () => {
  const roles = readFileSync(path.join(project, 'deploy/create-roles.sql'), 'utf8').matchAll(
    /^ {2}\('(\w+)'/gm,
  )
  const [, ...granted] = [...roles].map(([, role]) => role)
  const [first, ...grants] = containersOf(pods.migrate).map(({ args }) => args)
  expect(first).toEqual(['migrate'])
  expect(grants).toEqual([
    ['grant-job', granted[0]],
    ['grant-enqueuer', granted[1]],
    ['grant-reader', granted[2]],
  ])
})

it('the deployment is started, restarted and ready by the paths of the daemon', () => {
  const [container] = containersOf(pods.deployment)
  const live = { httpGet: { path: '/livez', port: 'http' } }
  expect(container).toMatchObject({
    args: ['schedule'],
    startupProbe: live,
    livenessProbe: live,
    readinessProbe: { httpGet: { path: '/readyz', port: 'http' } },
  })
  const secret = { DATABASE_URL: 'postgresql://u@h/x', IDENTIFAI_API_KEY: 'k' }
  const { httpPort } = parseDaemonConfig(secret)
  expect(container?.ports).toEqual([{ name: 'http', containerPort: httpPort }])
})

it('the service, its monitor, the policy and the deployment select the pods that they are for', () => {
  const labels = Object.fromEntries(Object.entries(pods).map(([name, pod]) => [name, pod?.metadata?.labels]))
  expect(labels.deployment).toMatchObject(deployment.spec?.selector.matchLabels ?? {})
  expect(labels.deployment).toMatchObject(service.spec?.selector ?? {})
  expect(labels.migrate).not.toMatchObject(service.spec?.selector ?? {})
  for (const of of Object.values(labels))
    expect(of).toMatchObject(policy.spec?.podSelector?.matchLabels ?? {})
  expect(service.metadata?.labels).toMatchObject(monitor.spec?.selector.matchLabels ?? {})
  expect(monitor.spec?.endpoints?.map(({ port }) => port)).toEqual(
    service.spec?.ports?.map(({ name }) => name),
  )
  const [port] = containersOf(pods.deployment)[0]?.ports ?? []
  expect(service.spec?.ports).toEqual([{ name: 'http', port: port?.containerPort, targetPort: port?.name }])
  expect(policy.spec).toMatchObject({
    policyTypes: ['Ingress', 'Egress'],
    ingress: [{ ports: [{ port: port?.containerPort }] }],
  })
})

it('the documented command in a pod is that of the image', () => {
  const operations = readFileSync(path.join(project, 'docs/operations.md'), 'utf8')
  const [, file] =
    /^\$ kubectl exec -i deployment\/identifai-sync -- node (\S+) enqueue/m.exec(operations) ?? []
  expect(readFileSync(path.join(project, 'Dockerfile'), 'utf8')).toMatch(
    new RegExp(`^ENTRYPOINT .*"/app/${file}"\\]$`, 'm'),
  )
})

it('the cron job starts no second run, and a missed one within an hour', () => {
  expect(cronjob.spec).toMatchObject({
    schedule: '0 2 * * *',
    concurrencyPolicy: 'Forbid',
    startingDeadlineSeconds: 3600,
    jobTemplate: { spec: { backoffLimit: 0, template: { spec: { containers: [{ args: ['sync'] }] } } } },
  })
})

it('kustomization.yaml has every file, some of them as a comment', () => {
  const listed = [...read('kustomization').matchAll(/^ {2}(?:# )?- ([\w-]+\.yaml)$/gm)].map(
    ([, file = '']) => file,
  )
  expect(listed.toSorted()).toEqual(readdirSync(folder).filter((file) => file !== 'kustomization.yaml'))
})

it.skipIf(spawnSync('kubectl', ['version', '--client']).error)(
  'kubectl builds the kustomization, also with all files, with the image of the registry',
  () => {
    const whole = mkdtempSync(path.join(os.tmpdir(), 'identifai-kustomization-'))
    try {
      const { images } = manifest('kustomization') as { images: { newName: string; newTag: string }[] }
      for (const file of readdirSync(folder))
        writeFileSync(
          path.join(whole, file),
          readFileSync(path.join(folder, file), 'utf8').replace(/^ {2}# - /gm, '  - '),
        )
      for (const [place, count] of [
        [folder, 5],
        [whole, 6],
      ] as const) {
        const built = execFileSync('kubectl', ['kustomize', place], { encoding: 'utf8' })
        expect(built.match(/image: .*/g)).toEqual(
          Array(count).fill(`image: ${images[0]?.newName}:${images[0]?.newTag}`),
        )
      }
    } finally {
      rmSync(whole, { recursive: true })
    }
  },
)
