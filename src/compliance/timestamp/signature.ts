import { createHash, X509Certificate } from 'node:crypto'
import { OctetString, Sequence } from 'asn1js'
import { Certificate, ExtKeyUsage, id_ExtKeyUsage, type SignerInfo } from 'pkijs'
import type { Timestamp } from './token.ts'

/** Reads the certificates of authorities in a text of PEM; none when one of its certificates cannot be read. */
export function readAuthorities(pem: string): Certificate[] {
  try {
    return (pem.match(CERTIFICATE) ?? [])
      .map((text) => new X509Certificate(text))
      .filter(({ ca }) => ca)
      .map(({ raw }) => Certificate.fromBER(raw))
  } catch {
    return []
  }
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/**
 * The problem with the signature of a timestamp; undefined when there is none. The certificate that signed it has to lead to
 * a given one, through the certificates in the token. All of them must be valid at the time of the timestamp.
 */
export async function signatureProblem(
  checkpoint: string,
  { signedData }: Timestamp,
  authorities: readonly Certificate[],
): Promise<string | undefined> {
  try {
    const { signatureVerified, signerCertificate } = await signedData.verify({
      signer: 0,
      data: Uint8Array.from(Buffer.from(checkpoint)).buffer,
      trustedCerts: [...authorities],
      checkChain: true,
      passedWhenNotRevValues: true,
      extendedMode: true,
    })
    if (!signatureVerified || !signerCertificate)
      return 'has a signature that does not fit, because one of the two was altered'
    if (!isForTimestamps(signerCertificate)) return 'is signed with a certificate that is not for timestamps'
    if (!names(signerCertificate, signedData.signerInfos[0]))
      return 'does not name the certificate with which it is signed'
    return undefined
  } catch (error) {
    return `is not signed by an authority of the given certificates (${(error as Error).message})`
  }
}

const TIME_STAMPING = '1.3.6.1.5.5.7.3.8'

/** RFC 3161, section 2.3: time-stamping is the only purpose of the key, in a critical extension. */
function isForTimestamps({ extensions = [] }: Certificate): boolean {
  const usage = extensions.find(({ extnID }) => extnID === id_ExtKeyUsage)
  const { parsedValue } = usage ?? {}
  return (
    usage?.critical === true &&
    parsedValue instanceof ExtKeyUsage &&
    parsedValue.keyPurposes.join() === TIME_STAMPING
  )
}

/** The attributes signingCertificate (RFC 2634) and signingCertificateV2 (RFC 5035). */
const SIGNING_CERTIFICATE: ReadonlySet<string> = new Set([
  '1.2.840.113549.1.9.16.2.12',
  '1.2.840.113549.1.9.16.2.47',
])

/** The hash functions of these attributes, by the length of their hashes. */
const HASH_FUNCTIONS: Readonly<Record<number, string>> = {
  20: 'sha1',
  32: 'sha256',
  48: 'sha384',
  64: 'sha512',
}

/** Returns true when the signed attributes name the certificate by its hash, so that no other one can replace it. */
function names(certificate: Certificate, signer: SignerInfo | undefined): boolean {
  const attributes = signer?.signedAttrs?.attributes.filter(({ type }) => SIGNING_CERTIFICATE.has(type)) ?? []
  const bytes = Buffer.from(certificate.toSchema().toBER())
  return (
    attributes.length > 0 &&
    attributes.every(({ values: [signingCertificate] }) => {
      const [certificates] = membersOf(signingCertificate)
      // The first one is that of the signer.
      const [first] = membersOf(certificates)
      const hash = membersOf(first)
        .find((member) => member instanceof OctetString)
        ?.getValue()
      const hashFunction = HASH_FUNCTIONS[hash?.byteLength ?? 0]
      if (hash === undefined || hashFunction === undefined) return false
      return createHash(hashFunction).update(bytes).digest().equals(Buffer.from(hash))
    })
  )
}

function membersOf(block: unknown) {
  return block instanceof Sequence ? block.valueBlock.value : []
}
