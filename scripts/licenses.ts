/** Writes docs/licenses.md from package-lock.json. */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { licenseList } from './license-list.ts'

const project = path.resolve(import.meta.dirname, '..')
const lockfile = JSON.parse(readFileSync(path.join(project, 'package-lock.json'), 'utf8')) as Parameters<
  typeof licenseList
>[0]
writeFileSync(path.join(project, 'docs/licenses.md'), licenseList(lockfile))
