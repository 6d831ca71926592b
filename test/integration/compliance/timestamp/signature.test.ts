import { X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { Certificate, ContentInfo, SignedData, TimeStampResp } from 'pkijs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readAuthorities, signatureProblem } from '../../../../src/compliance/timestamp/signature.ts'
import { decodeReply, isTimestampOf } from '../../../../src/compliance/timestamp/token.ts'
import { sampleSize } from '../../../support/sample-size.ts'
import {
  EC_KEY,
  HAS_OPENSSL,
  startTimestampAuthority,
  type TimestampAuthority,
} from '../../../support/timestamp-authority.ts'

const CHECKPOINT = 'identifai-sync/test\n5\nq7w=\n'

/** A reply of an authority to a query for the checkpoint. */
function replyOf(authority: TimestampAuthority): Buffer {
  writeFileSync(path.join(authority.folder, 'checkpoint.txt'), CHECKPOINT)
  return authority.reply(authority.query('-data', 'checkpoint.txt', '-cert'))
}

const trusted = ({ folder }: TimestampAuthority, name = 'root.pem') =>
  readAuthorities(readFileSync(path.join(folder, name), 'utf8'))

const problemOf = (reply: Buffer, authorities: readonly Certificate[]) =>
  signatureProblem(CHECKPOINT, decodeReply(reply), authorities)

function decodedOrNone(reply: Buffer) {
  try {
    return decodeReply(reply)
  } catch {
    return undefined
  }
}

describe.skipIf(!HAS_OPENSSL)('the signature of a timestamp', () => {
  let authority: TimestampAuthority
  let reply: Buffer
  let reissued: Record<'otherPurpose' | 'notCritical' | 'notNamed' | 'expired', string>
  beforeAll(async () => {
    authority = await startTimestampAuthority()
    // Before the timestamp, because they are valid from now on.
    reissued = {
      otherPurpose: authority.reissue({ extensions: 'other' }),
      notCritical: authority.reissue({ extensions: 'not_critical' }),
      notNamed: authority.reissue({}),
      expired: authority.reissue({ days: -1 }),
    }
    reply = replyOf(authority)
  })
  afterAll(() => authority[Symbol.asyncDispose]())

  it.each([
    ['an RSA key', {}],
    ['an EC key', { key: EC_KEY }],
    ['a certificate that it names by SHA-1', { certificateHash: 'sha1' }],
    ['a certificate that it names by SHA-512', { certificateHash: 'sha512' }],
  ] as const)('is valid with %s, and leads to the root', async (_, options) => {
    await using other = await startTimestampAuthority(options)
    expect(await problemOf(replyOf(other), trusted(other))).toBeUndefined()
  })

  it('leads to a certificate between, too, and to one of several', async () => {
    await using other = await startTimestampAuthority()
    for (const authorities of [
      trusted(authority, 'between.pem'),
      [...trusted(other), ...trusted(authority)],
      [...trusted(authority), ...trusted(authority, 'between.pem')],
    ])
      expect(await problemOf(reply, authorities)).toBeUndefined()
  })

  it('does not lead to another authority of the same name', async () => {
    await using other = await startTimestampAuthority()
    expect(await problemOf(reply, trusted(other))).toMatch(/^is not signed by an authority of the given/)
  })

  it('leads to a certificate of an authority only, and not to that of the signer', () => {
    expect(trusted(authority, 'signer.pem')).toEqual([])
    expect(trusted(authority, 'signer.key')).toEqual([])
    expect(readAuthorities('-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----')).toEqual([])
  })

  /** The reply with another certificate of the key that signed it. */
  function withCertificate(pem: string): Buffer {
    const { status, timeStampToken } = TimeStampResp.fromBER(reply)
    const signedData = new SignedData({ schema: timeStampToken?.content })
    const certificates = signedData.certificates?.slice(1) ?? []
    signedData.certificates = [Certificate.fromBER(new X509Certificate(pem).raw), ...certificates]
    const content = signedData.toSchema(true)
    const signed = new ContentInfo({ contentType: ContentInfo.SIGNED_DATA, content })
    return Buffer.from(new TimeStampResp({ status, timeStampToken: signed }).toSchema().toBER())
  }

  it.each([
    ['its own', () => readFileSync(path.join(authority.folder, 'signer.pem'), 'utf8'), /^undefined$/],
    [
      'one for another purpose, too',
      () => reissued.otherPurpose,
      /^is signed with a certificate that is not for timestamps$/,
    ],
    [
      'one whose purpose is not critical',
      () => reissued.notCritical,
      /^is signed with a certificate that is not for timestamps$/,
    ],
    [
      'one that it does not name',
      () => reissued.notNamed,
      /^does not name the certificate with which it is signed$/,
    ],
    [
      'one that has expired',
      () => reissued.expired,
      /^is not signed by an authority of the given certificates \(.*not yet valid or expired\)$/,
    ],
  ])('with the certificate replaced by %s', async (_, certificate, problem) => {
    expect(String(await problemOf(withCertificate(certificate()), trusted(authority)))).toMatch(problem)
  })

  it('is of another checkpoint when it names another hash function', () => {
    const other = Buffer.from(reply)
    const [sha256, sha3] = [1, 8].map((last) => Buffer.from([0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, last]))
    const at = other.indexOf(Buffer.concat([sha256 as Buffer, Buffer.from([5, 0, 4, 32])]))
    other.set(sha3 as Buffer, at)
    expect([reply, other].map((each) => isTimestampOf(CHECKPOINT, decodeReply(each)))).toEqual([true, false])
  })

  it('does not fit when it was altered', async () => {
    const altered = Buffer.from(reply)
    // The signature comes last.
    altered.writeUInt8(altered.readUInt8(altered.length - 1) ^ 1, altered.length - 1)
    expect(await problemOf(altered, trusted(authority))).toBe(
      'has a signature that does not fit, because one of the two was altered',
    )
  })

  it('does not fit a statement or a certificate that was altered in one byte', async () => {
    const { info } = decodeReply(reply)
    const authorities = trusted(authority)
    const byte = fc.tuple(fc.nat(reply.length - 1), fc.integer({ min: 1, max: 255 }))
    await fc.assert(
      fc.asyncProperty(byte, async ([at, bits]) => {
        const altered = Buffer.from(reply)
        altered[at] = (altered[at] as number) ^ bits
        const other = decodedOrNone(altered)
        // The verification reports a timestamp that cannot be read.
        if (other === undefined) return
        const problem = await signatureProblem(CHECKPOINT, other, authorities)
        if (problem !== undefined) {
          expect(problem).toMatch(/^(is|has|does not name) /)
          return
        }
        // Nothing signs the status, the list of certificates, and the algorithms.
        expect(isTimestampOf(CHECKPOINT, other)).toBe(true)
        expect(other.info.toString()).toBe(info.toString())
      }),
      { numRuns: sampleSize(300) },
    )
  })
})
