/** Name and license of one package in package-lock.json. */
interface LockedPackage {
  readonly version?: string
  readonly license?: string
  readonly dev?: boolean
}

/** Permissive licenses that a package under MIT may depend on. */
const COMPATIBLE: ReadonlySet<string> = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
  'PostgreSQL',
])

/**
 * The text of docs/licenses.md: every package that an installation contains, with its license.
 *
 * @throws Error naming each package without a license or with a license that is not in the list.
 */
export function licenseList(lockfile: {
  readonly packages: Readonly<Record<string, LockedPackage>>
}): string {
  const installed = Object.entries(lockfile.packages)
    .filter(([folder, { dev }]) => folder !== '' && dev !== true)
    .map(([folder, { version = '', license = 'none' }]) => ({
      name: folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length),
      version,
      license,
    }))
    .toSorted((one, other) => (`${one.name} ${one.version}` < `${other.name} ${other.version}` ? -1 : 1))
  const unknown = installed.filter(({ license }) => !COMPATIBLE.has(license))
  if (unknown.length > 0) {
    throw new Error(
      `Unknown license of ${unknown.map(({ name, license }) => `${name} (${license})`).join(', ')}: review it, then add it to COMPATIBLE in scripts/license-list.ts.`,
    )
  }
  return [
    '# Licenses',
    '',
    'For everyone who has to check licenses. The table lists the packages that an installation has in addition',
    'to `identifai-sync`, which is under the MIT license. `npm run docs:licenses` writes this page from `package-lock.json`. A test fails when it is',
    'stale, or when a license is not permissive.',
    '',
    '| package | version | license |',
    '| --- | --- | --- |',
    ...installed.map(({ name, version, license }) => `| ${name} | ${version} | ${license} |`),
    '',
  ].join('\n')
}
