import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { generate } from 'selfsigned'

interface Certificate {
  readonly key: string
  readonly cert: string
}

/** A certificate authority that no client trusts by default. */
export interface Authority {
  /** The file of its certificate. */
  readonly file: string
  /** Issues a certificate for a host name or an IPv4 address, that may have expired an hour ago. */
  issue(host: string, options?: { readonly isExpired: boolean }): Promise<Certificate>
}

/** @param folder Folder for its certificate, `ca.pem`. */
export async function createAuthority(folder: string): Promise<Authority> {
  const ca = await generate([{ name: 'commonName', value: 'Private Authority' }], {
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  })
  const file = path.join(folder, 'ca.pem')
  writeFileSync(file, ca.cert)
  return {
    file,
    issue: async (host, { isExpired } = { isExpired: false }) => {
      const isAddress = /^[\d.]+$/.test(host)
      const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000)
      const issued = await generate([{ name: 'commonName', value: host }], {
        algorithm: 'sha256',
        ...(isExpired && { notBeforeDate: hoursAgo(48), notAfterDate: hoursAgo(1) }),
        ca: { key: ca.private, cert: ca.cert },
        extensions: [
          {
            name: 'subjectAltName',
            altNames: [isAddress ? { type: 7, ip: host } : { type: 2, value: host }],
          },
          { name: 'extKeyUsage', serverAuth: true },
        ],
      })
      return { key: issued.private, cert: issued.cert }
    },
  }
}
