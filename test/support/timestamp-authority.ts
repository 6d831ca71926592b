import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { buffer } from 'node:stream/consumers'

export const HAS_OPENSSL = spawnSync('openssl', ['ts', '-help']).status === 0
if (!HAS_OPENSSL) console.warn('NOT CHECKED: timestamps, because there is no openssl on this machine.')

const SETTINGS = `
[req]
distinguished_name = name
prompt = no
[name]
CN = Test
[authority]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[timestamps]
basicConstraints = critical, CA:false
extendedKeyUsage = critical, timeStamping
[other]
basicConstraints = critical, CA:false
extendedKeyUsage = critical, timeStamping, emailProtection
[not_critical]
basicConstraints = critical, CA:false
extendedKeyUsage = timeStamping
[tsa]
default_tsa = replies
[replies]
serial = serial
default_policy = 1.2.3.4.1
digests = sha256
signer_digest = sha256
ess_cert_id_alg = $ENV::CERTIFICATE_HASH
accuracy = secs:1, millisecs:500
clock_precision_digits = 3
tsa_name = yes
`

export const EC_KEY = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384'] as const

/** A time-stamping authority on loopback: `openssl ts -reply` behind a server. */
export interface TimestampAuthority extends AsyncDisposable {
  readonly url: string
  readonly folder: string
  /** Headers of each request so far. */
  readonly requests: IncomingHttpHeaders[]
  /** Runs `openssl` with these arguments in the folder, which has `root.pem`, the certificate to trust. */
  openssl(...args: readonly string[]): string
  /** Encodes a query with `openssl ts -query`. */
  query(...args: readonly string[]): Buffer
  /** The right reply to a query. */
  reply(query: Buffer): Buffer
  /** Responds to a request. A test can replace it. */
  respond: (query: Buffer, response: ServerResponse) => void
  /** Issues another certificate with the key and the serial number of the signer, with other extensions or another end. */
  reissue(options: {
    readonly extensions?: 'timestamps' | 'other' | 'not_critical'
    readonly days?: number
  }): string
}

/**
 * @param options.key The key that signs; an RSA key by default.
 * @param options.certificateHash The hash by which a timestamp names the certificate.
 */
export async function startTimestampAuthority(
  options: { readonly key?: readonly string[]; readonly certificateHash?: 'sha1' | 'sha512' } = {},
): Promise<TimestampAuthority> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'identifai timestamps '))
  const inFolder = (name: string) => path.join(folder, name)
  const env = { ...process.env, CERTIFICATE_HASH: options.certificateHash ?? 'sha256' }
  const openssl = (...args: readonly string[]) =>
    execFileSync('openssl', args, { cwd: folder, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  writeFileSync(inFolder('openssl.cnf'), SETTINGS)
  writeFileSync(inFolder('serial'), '01\n')
  const create = (name: string, issuer: string | null, extensions: string, key: readonly string[]) => {
    const to = ['-keyout', `${name}.key`, '-out', `${name}.pem`]
    const by = issuer === null ? [] : ['-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`]
    const more = [
      '-config',
      'openssl.cnf',
      '-extensions',
      extensions,
      '-subj',
      `/CN=${name}`,
      '-set_serial',
      '7',
    ]
    openssl('req', '-x509', '-nodes', '-days', '99', '-newkey', ...key, ...more, ...by, ...to)
  }
  create('root', null, 'authority', EC_KEY)
  create('between', 'root', 'authority', EC_KEY)
  create('signer', 'between', 'timestamps', options.key ?? ['rsa:2048'])
  const authority = {
    folder,
    requests: [] as IncomingHttpHeaders[],
    openssl,
    query: (...args: readonly string[]) => {
      openssl('ts', '-query', '-sha256', ...args, '-out', 'query.tsq')
      return readFileSync(inFolder('query.tsq'))
    },
    reply: (query: Buffer) => {
      writeFileSync(inFolder('query.tsq'), query)
      const signer = ['-signer', 'signer.pem', '-inkey', 'signer.key', '-chain', 'between.pem']
      const files = ['-queryfile', 'query.tsq', ...signer, '-out', 'reply.tsr']
      openssl('ts', '-reply', '-config', 'openssl.cnf', ...files)
      return readFileSync(inFolder('reply.tsr'))
    },
    respond: (query: Buffer, response: ServerResponse) => {
      response.setHeader('content-type', 'application/timestamp-reply')
      response.end(authority.reply(query))
    },
    reissue: ({ extensions = 'timestamps', days = 99 }: Parameters<TimestampAuthority['reissue']>[0]) => {
      openssl(
        'req',
        '-new',
        '-key',
        'signer.key',
        '-subj',
        '/CN=signer',
        '-config',
        'openssl.cnf',
        '-out',
        'again.csr',
      )
      const issuer = [
        '-CA',
        'between.pem',
        '-CAkey',
        'between.key',
        '-set_serial',
        '7',
        '-days',
        String(days),
      ]
      const form = ['-extfile', 'openssl.cnf', '-extensions', extensions]
      return openssl('x509', '-req', '-in', 'again.csr', ...issuer, ...form)
    },
  }
  const server = createServer((request, response) => {
    authority.requests.push(request.headers)
    void buffer(request).then((query) => authority.respond(query, response))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return Object.assign(authority, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/tsa`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
      rmSync(folder, { recursive: true })
    },
  })
}
