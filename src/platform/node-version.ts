import { UsageError } from './errors.ts'

/** The same as `engines` in package.json. */
const [MAJOR, MINOR] = [22, 19]

/** @throws UsageError when this version of Node is too old. */
export function assertNodeVersion(version: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > MAJOR || (major === MAJOR && minor >= MINOR)) return
  throw new UsageError(
    `Node ${MAJOR}.${MINOR} or later is needed, but this is ${version}.`,
    'Install a newer Node.',
  )
}
