import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'

const project = path.resolve(import.meta.dirname, '../../..')

it('the bill of materials has every package of an installation, with its version, and no other', () => {
  const output = execFileSync(process.execPath, ['scripts/sbom.ts'], { cwd: project, encoding: 'utf8' })
  const { metadata, components } = JSON.parse(output) as {
    metadata: { component: object }
    components: { name: string; version: string }[]
  }
  expect(metadata.component).toMatchObject({ name: 'identifai-sync', type: 'application' })
  const listed = new Set(components.map(({ name, version }) => `${name} ${version}`))
  expect(listed).toEqual(new Set(licensedPackages()))
})

/** The packages and versions in docs/licenses.md. */
function licensedPackages(): string[] {
  const page = readFileSync(path.join(project, 'docs/licenses.md'), 'utf8')
  return [...page.matchAll(/^\| (\S+) \| (\d\S*) \|/gm)].map(([, name, version]) => `${name} ${version}`)
}
