import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  constants,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'

const project = path.resolve(import.meta.dirname, '../..')

/** Installs the built command as `npm install --global --prefix` does, with a Node beside it. Disposal removes it. */
export function installGlobally(builtCommand: string): Disposable & { readonly prefix: string } {
  const prefix = mkdtempSync(path.join(os.tmpdir(), 'identifai production '))
  chmodSync(prefix, 0o755)
  const folder = path.join(prefix, 'lib/node_modules/identifai-sync')
  cpSync(path.dirname(builtCommand), path.join(folder, 'dist'), { recursive: true })
  copyProductionPackages(folder)
  mkdirSync(path.join(prefix, 'bin'))
  symlinkSync(
    '../lib/node_modules/identifai-sync/dist/identifai-sync',
    path.join(prefix, 'bin/identifai-sync'),
  )
  copyNode(path.join(prefix, 'bin'))
  return { prefix, [Symbol.dispose]: () => rmSync(prefix, { recursive: true }) }
}

/** Copies the Node of the tests, because another user may have no access to its folder. */
export function copyNode(folder: string): void {
  copyFileSync(process.execPath, path.join(folder, 'node'), constants.COPYFILE_FICLONE)
}

/** Copies the packages of the checkout that `npm ci --omit=dev` installs into a folder. */
export function copyProductionPackages(folder: string): void {
  const { packages } = JSON.parse(readFileSync(path.join(project, 'package-lock.json'), 'utf8')) as {
    packages: Readonly<Record<string, { dev?: boolean }>>
  }
  for (const [place, { dev }] of Object.entries(packages)) {
    // A package within another one comes with it.
    if (dev || place.lastIndexOf('node_modules/') !== 0) continue
    const target = path.join(folder, place)
    mkdirSync(path.dirname(target), { recursive: true })
    // Faster than Node's own copy.
    execFileSync('cp', ['-R', path.join(project, place), target])
  }
}
