import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { OLDEST_MAJOR } from '../../../src/operations/doctor/check-database.ts'

interface Workflow {
  readonly permissions: object
  readonly jobs: Readonly<Record<string, Job>>
}

interface Job {
  readonly uses?: string
  readonly permissions?: object
  readonly 'timeout-minutes'?: number
  readonly strategy?: { readonly matrix: { readonly postgres: readonly string[] } }
}

const project = path.resolve(import.meta.dirname, '../../..')
const read = (file: string) => readFileSync(path.join(project, file), 'utf8')
const FILES = readdirSync(path.join(project, '.github/workflows')).map((file) => `.github/workflows/${file}`)
const workflows = FILES.map((file) => parse(read(file)) as Workflow)

const LINTER = path.join(project, 'test/fixtures/actionlint')
/** True where Go is installed, and actionlint can be downloaded or was. */
const HAS_ACTIONLINT = spawnSync('go', ['mod', 'download'], { cwd: LINTER }).status === 0
if (!HAS_ACTIONLINT)
  console.warn('NOT CHECKED: the workflows by actionlint, because there is no Go on this machine.')

it.runIf(HAS_ACTIONLINT)('actionlint finds no problem in a workflow', { timeout: 300_000 }, () => {
  expect(lint(FILES.map((file) => path.join(project, file)))).toEqual({ status: 0, output: '' })
  const wrong = read('.github/workflows/ci.yml').replace('matrix.postgres }}', 'matrix.server }}')
  expect(lint(['-'], wrong)).toEqual({
    status: 1,
    output: expect.stringContaining('property "server" is not defined'),
  })
})

it.each(FILES)('each action of %s is pinned to a commit, with its version as a comment', (file) => {
  const actions = [...read(file).matchAll(/\buses: (?!\.\/)(.*)/g)].map(([, action]) => action)
  expect(actions.filter((action) => !/^[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(action ?? ''))).toEqual(
    [],
  )
})

it('the workflows can only read, save the job that publishes', () => {
  expect(workflows.map(({ permissions }) => permissions)).toEqual(FILES.map(() => ({ contents: 'read' })))
  const jobs = workflows.flatMap((workflow) => Object.entries(workflow.jobs))
  expect(jobs.flatMap(([name, { permissions }]) => (permissions ? [{ name, permissions }] : []))).toEqual([
    { name: 'publish', permissions: { contents: 'write', 'id-token': 'write' } },
  ])
})

it('each job has a limit of time', () => {
  const jobs = workflows.flatMap((workflow) => Object.values(workflow.jobs))
  expect(jobs.filter((job) => !job.uses && job['timeout-minutes'] === undefined)).toEqual([])
})

it('CI uses each version of PostgreSQL that the pages name, from the oldest that doctor accepts', () => {
  const { check } = (parse(read('.github/workflows/ci.yml')) as Workflow).jobs
  const [embedded, ...versions] = check?.strategy?.matrix.postgres ?? []
  expect(embedded).toBe('embedded')
  const newest = OLDEST_MAJOR + versions.length - 1
  expect(versions).toEqual(versions.map((_, index) => String(OLDEST_MAJOR + index)))
  const named = ['README.md', 'docs/quick-start.md', 'docs/operations.md'].map(
    (page) => /(?:PostgreSQL|version) (\d+ to \d+)/.exec(read(page))?.[1],
  )
  expect(new Set(named)).toEqual(new Set([`${OLDEST_MAJOR} to ${newest}`]))
})

function lint(files: readonly string[], input?: string): { status: number | null; output: string } {
  const flags = ['tool', 'actionlint', '-no-color']
  const { status, stdout, stderr } = spawnSync('go', [...flags, ...files], {
    cwd: LINTER,
    input,
    encoding: 'utf8',
  })
  return { status, output: stdout + stderr }
}
