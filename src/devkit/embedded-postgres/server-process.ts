import { readFile } from 'node:fs/promises'

export interface UnixUser {
  readonly uid: number
  readonly gid: number
}

/**
 * The user a PostgreSQL server has to be started as: PostgreSQL refuses to run as root, so root hands it to
 * `nobody`; anybody else runs it as themselves (undefined).
 */
export async function unprivilegedUser(): Promise<UnixUser | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const passwd = await readFile('/etc/passwd', 'utf8')
  const nobody = passwd.split('\n').find((line) => line.startsWith('nobody:'))
  const [, , uid, gid] = nobody?.split(':') ?? []
  if (uid === undefined || gid === undefined) {
    throw new Error(
      'PostgreSQL refuses to run as root and there is no user "nobody": start this as another user.',
    )
  }
  return { uid: Number(uid), gid: Number(gid) }
}
