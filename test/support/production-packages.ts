import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

const project = path.resolve(import.meta.dirname, '../..')

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
