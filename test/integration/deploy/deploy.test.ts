import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, it } from 'vitest'

const project = path.resolve(import.meta.dirname, '../../..')
const read = (file: string) => readFileSync(path.join(project, file), 'utf8')

it.skipIf(spawnSync('systemd-analyze', ['--version']).status !== 0)(
  'systemd accepts the units and the timer',
  () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'identifai-units-'))
    try {
      const units = ['identifai-sync.service', 'identifai-sync-daemon.service', 'identifai-sync.timer'].map(
        (name) => {
          // The product is not installed on this machine.
          const text = read(`deploy/${name}`).replace('/usr/local/bin/identifai-sync', '/bin/true')
          writeFileSync(path.join(folder, name), text)
          return path.join(folder, name)
        },
      )
      const { stderr, status } = spawnSync('systemd-analyze', ['verify', ...units], { encoding: 'utf8' })
      expect(stderr).toBe('')
      expect(status).toBe(0)
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
)
