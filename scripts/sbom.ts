/**
 * Prints the software bill of materials (SBOM) of an installation, in the format CycloneDX: `npm run --silent sbom`.
 *
 * `npm sbom --omit dev` leaves out each package that a development dependency needs, too
 * (https://github.com/npm/cli/issues/7909). So npm reads copies of the manifest and the lockfile without development
 * dependencies.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

interface Manifest {
  readonly name: string
  readonly devDependencies?: unknown
}

interface Lockfile {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly devDependencies?: unknown }>>
}

const temporary = mkdtempSync(path.join(os.tmpdir(), 'identifai-sync-sbom-'))
try {
  printSbom(read('package.json') as Manifest, read('package-lock.json') as Lockfile)
} finally {
  rmSync(temporary, { recursive: true })
}

function printSbom(manifest: Manifest, lockfile: Lockfile): void {
  // npm names the product after the folder.
  const folder = path.join(temporary, manifest.name)
  mkdirSync(folder)
  const packages = Object.entries(lockfile.packages)
    .filter(([, { dev }]) => dev !== true)
    .map(([place, entry]) => [place, withoutDevelopment(entry)])
  const files = {
    'package.json': withoutDevelopment(manifest),
    'package-lock.json': { ...lockfile, packages: Object.fromEntries(packages) },
  }
  for (const [file, value] of Object.entries(files))
    writeFileSync(path.join(folder, file), JSON.stringify(value))
  const flags = ['--package-lock-only', '--sbom-format=cyclonedx', '--sbom-type=application']
  execFileSync('npm', ['sbom', ...flags], { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] })
}

function withoutDevelopment(entry: object): object {
  return { ...entry, devDependencies: undefined }
}

function read(file: string): unknown {
  return JSON.parse(readFileSync(path.resolve(import.meta.dirname, '..', file), 'utf8'))
}
