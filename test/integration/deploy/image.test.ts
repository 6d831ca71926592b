import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { validate } from 'dockerfile-utils'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findFreePort } from '../../../src/devkit/embedded-postgres/server-process.ts'
import { buildImage, type Image } from '../../support/build-image.ts'
import { createTestDatabase } from '../../support/test-database.ts'
import { finish } from '../../support/test-cli.ts'

const project = path.resolve(import.meta.dirname, '../../..')
const read = (file: string) => readFileSync(path.join(project, file), 'utf8')
const manifest = JSON.parse(read('package.json')) as {
  name: string
  description: string
  version: string
  license: string
  devDependencies: { node: string }
}

describe('the Dockerfile', () => {
  const text = read('Dockerfile')

  it('passes a linter', () => {
    expect(validate(text)).toEqual([])
    expect(validate(`${text}\nRUNN x`)).not.toEqual([])
  })

  it('copies every file that .dockerignore does not exclude, and these exist', () => {
    const sources = [...text.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, files = '']) =>
      files.split(' '),
    )
    const letIn = read('.dockerignore')
      .split('\n')
      .flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []))
    expect([...new Set(sources)].toSorted()).toEqual(letIn.toSorted())
    expect(letIn.filter((file) => !existsSync(path.join(project, file)))).toEqual([])
  })

  it('runs as a user that is not root, by its number', () => {
    expect(text.slice(text.lastIndexOf('FROM'))).toMatch(/^USER [1-9]\d*:[1-9]\d*$/m)
  })

  it('has the Node version of the lockfile, and the limits of memory of the start script', () => {
    const images = [...text.matchAll(/^FROM node:([\d.]+)-/gm)].map(([, version]) => version)
    expect(new Set(images)).toEqual(new Set([manifest.devDependencies.node.replace('^', '')]))
    const script = read('identifai-sync')
    for (const limit of [/--max-semi-space-size=\d+/, /(?<=MALLOC_ARENA_MAX\D+)\d+/])
      expect(limit.exec(text)?.[0]).toBe(limit.exec(script)?.[0])
  })
})

it('all files name the image with the version of package.json', () => {
  const files = execFileSync('git', ['ls-files', 'deploy', 'docs', '*.md', '*.yml'], {
    cwd: project,
    encoding: 'utf8',
  })
  const tags = files
    .trim()
    .split('\n')
    .flatMap((file) =>
      [...read(file).matchAll(/(?:\bidentifai-sync:|newTag: )(\d[\w.-]*)/g)].map(([, tag]) => [file, tag]),
    )
  expect(new Set(tags.map(([file]) => file))).toEqual(NAMING_FILES)
  expect(tags.filter(([, tag]) => tag !== manifest.version)).toEqual([])
})

const NAMING_FILES = new Set([
  'deploy/kubernetes/kustomization.yaml',
  'docker-compose.yml',
  'docs/operations.md',
])

describe('the image', () => {
  let image: Image
  beforeAll(() => {
    image = buildImage()
  })
  afterAll(() => image[Symbol.dispose]())

  it('has the labels of the Open Container Initiative', () => {
    const { name, description, version, license } = manifest
    expect(image.labels).toEqual({
      'org.opencontainers.image.title': name,
      'org.opencontainers.image.description': description,
      'org.opencontainers.image.version': version,
      'org.opencontainers.image.licenses': license,
    })
  })

  it('starts commands without a shell, and messages name them as identifai-sync', async () => {
    expect(await finish(image.start(['--version']))).toEqual({
      code: 0,
      stdout: `${manifest.version}\n`,
      stderr: '',
    })
    const { code, stderr } = await finish(image.start(['status']))
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/DATABASE_URL is not set.* identifai-sync --help lists/),
    })
  })

  it('starts the daemon, and is healthy while /readyz is', async () => {
    await using own = await createTestDatabase()
    const environment = {
      DATABASE_URL: own.url,
      IDENTIFAI_API_KEY: 'key',
      IDENTIFAI_API_URL: 'http://127.0.0.1:9/api',
      HTTP_PORT: String(await findFreePort()),
    }
    const health = async () => (await once(image.checkHealth(environment), 'exit'))[0] as unknown
    const daemon = image.start(undefined, environment)
    const ended = once(daemon, 'exit')
    daemon.stderr?.resume()
    while ((await health()) !== 0 && daemon.exitCode === null) await sleep(100)
    await sql`insert into identifai.sync_runs (run_id, trigger, status, started_at, finished_at, host, pid, version)
      select gen_random_uuid(), 'nightly', 'succeeded', at, at, 'h', 1, '0' from (select now() - interval '3 days') as t (at)`.execute(
      own.db,
    )
    expect(await health()).toBe(1)
    expect((await fetch(`http://127.0.0.1:${environment.HTTP_PORT}/livez`)).ok).toBe(true)
    daemon.kill('SIGTERM')
    expect(await ended).toEqual([143, null])
  })
})
