import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { licenseList } from '../../../scripts/license-list.ts'

const project = path.resolve(import.meta.dirname, '../../..')
const read = (file: string) => readFileSync(path.join(project, file), 'utf8')
const lockfile = JSON.parse(read('package-lock.json')) as Parameters<typeof licenseList>[0]

it('docs/licenses.md lists the packages of an installation (npm run docs:licenses)', () => {
  expect(read('docs/licenses.md')).toBe(licenseList(lockfile))
})

it('a license that was not reviewed is refused', () => {
  const packages = { ...lockfile.packages, 'node_modules/x': { version: '1.0.0', license: 'AGPL-3.0' } }
  expect(() => licenseList({ packages })).toThrow('x (AGPL-3.0)')
  expect(() => licenseList({ packages: { 'node_modules/y': { version: '1.0.0' } } })).toThrow('y (none)')
})
