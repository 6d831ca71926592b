import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { licenseList } from '../../../scripts/license-list.ts'

const project = path.resolve(import.meta.dirname, '../../..')
const read = (file: string) => readFileSync(path.join(project, file), 'utf8')
const lockfile = JSON.parse(read('package-lock.json')) as Parameters<typeof licenseList>[0]

it('docs/licenses.md lists what an installation brings (npm run docs:licenses)', () => {
  expect(read('docs/licenses.md')).toBe(licenseList(lockfile))
})

it('a license that nobody has looked at is refused', () => {
  const packages = { ...lockfile.packages, 'node_modules/x': { version: '1.0.0', license: 'AGPL-3.0' } }
  expect(() => licenseList({ packages })).toThrow('x (AGPL-3.0)')
  expect(() => licenseList({ packages: { 'node_modules/y': { version: '1.0.0' } } })).toThrow('y (none)')
})

it('the lockfile names no registry, and every package by its hash', () => {
  expect(read('package-lock.json')).not.toContain('"resolved"')
  const unhashed = Object.entries(lockfile.packages as Readonly<Record<string, { integrity?: string }>>)
    .filter(([folder, { integrity }]) => folder !== '' && integrity === undefined)
    .map(([folder]) => folder)
  expect(unhashed).toEqual([])
})

it('the package has the built code and what its messages name: documents, units, the starter dashboard', () => {
  const said = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: project,
    encoding: 'utf8',
  })
  const [{ files }] = JSON.parse(said) as [{ files: { path: string }[] }]
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
