import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'

const project = path.resolve(import.meta.dirname, '../../..')
const table = readFileSync(path.join(project, 'test/README.md'), 'utf8')

it('each invariant of ARCHITECTURE.md has a test in test/README.md', () => {
  const [, text = ''] = readFileSync(path.join(project, 'ARCHITECTURE.md'), 'utf8').split('\n## Invariants\n')
  const [section = ''] = text.split('\n## ')
  const invariants = [...section.matchAll(/^(\d+)\. \*\*/gm)].map(([, number = '']) => number)
  expect(invariants.length).toBeGreaterThan(10)
  const held = [...table.matchAll(/^\| (\d+) \| \[/gm)].map(([, number = '']) => number)
  expect(held).toEqual(invariants)
})

it('each file whose name is a promise is in test/README.md', () => {
  const files = globSync('test/{behavior,fault,citus,soak}/*.{test,soak}.ts', { cwd: project })
  expect(files.length).toBeGreaterThan(40)
  expect(files.filter((file) => !table.includes(`(${file.slice('test/'.length)})`))).toEqual([])
})
