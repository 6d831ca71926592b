import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

const project = path.resolve(import.meta.dirname, '../..')

/** Builds the command as it is published, into a folder whose path has a space. Disposal removes the folder. */
export function buildCommand(): Disposable & { readonly command: string } {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'identifai sync built '))
  // Other users may run it, because a demo that root starts does so.
  chmodSync(folder, 0o755)
  const tsc = path.join(project, 'node_modules/.bin/tsc')
  // Skips the type check, which is a check of its own.
  execFileSync(tsc, [
    '-p',
    path.join(project, 'tsconfig.build.json'),
    '--noCheck',
    '--outDir',
    path.join(folder, 'dist'),
  ])
  const command = path.join(folder, 'dist/identifai-sync')
  copyFileSync(path.join(project, 'identifai-sync'), command)
  symlinkSync(path.join(project, 'node_modules'), path.join(folder, 'node_modules'))
  return { command, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) }
}
