import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'

/** The head of the chain at one size. */
export interface Head {
  /** Number of sealed runs. */
  readonly size: number
  readonly root: Buffer
}

/** Signs heads of the chain. */
export interface Signer {
  /** Returns the signature of a checkpoint, as its signature line has it after the name: Base64 of the key ID and 64 bytes. */
  readonly sign: (checkpoint: string) => string
}

/**
 * The text of a head that other tools read: a checkpoint (https://c2sp.org/tlog-checkpoint), without signatures. Its first
 * line names the chain by its first sealed run, whose id no other chain has.
 */
export function checkpointText(firstRunId: string, { size, root }: Head): string {
  return `${chainName(firstRunId)}\n${size}\n${root.toString('base64')}\n`
}

/** The name of a chain. */
export function chainName(firstRunId: string): string {
  return `identifai-sync/${firstRunId}`
}

/** A checkpoint with its signature (https://c2sp.org/signed-note); without one, where it is null. */
export function signedCheckpoint(checkpoint: string, signature: string | null): string {
  return signature === null ? checkpoint : `${checkpoint}\n— ${nameOf(checkpoint)} ${signature}\n`
}

/** Creates a signer from a private key in PEM. */
export function createSigner(privateKey: string): Signer {
  const key = createPrivateKey(privateKey)
  const publicKey = createPublicKey(key)
  return {
    sign: (checkpoint) => {
      const signature = sign(null, Buffer.from(checkpoint), key)
      return Buffer.concat([keyId(nameOf(checkpoint), publicKey), signature]).toString('base64')
    },
  }
}

/** Returns whether a signature of a checkpoint is by this key. */
export function isSignedBy(checkpoint: string, signature: string, publicKey: KeyObject): boolean {
  const bytes = Buffer.from(signature, 'base64')
  const id = keyId(nameOf(checkpoint), publicKey)
  return (
    bytes.subarray(0, id.length).equals(id) &&
    verify(null, Buffer.from(checkpoint), publicKey, bytes.subarray(id.length))
  )
}

/** Reads an Ed25519 key in PEM, of which the public part is enough; undefined when it is none. */
export function readPublicKey(pem: string): KeyObject | undefined {
  try {
    const key = createPublicKey(pem)
    return key.asymmetricKeyType === 'ed25519' ? key : undefined
  } catch {
    return undefined
  }
}

function nameOf(checkpoint: string): string {
  return checkpoint.split('\n')[0] as string
}

function keyId(name: string, publicKey: KeyObject): Buffer {
  return createHash('sha256').update(`${name}\n`).update(typedKey(publicKey)).digest().subarray(0, 4)
}

/** The 32 bytes of an Ed25519 key, after the number of this type. */
function typedKey(publicKey: KeyObject): Buffer {
  const { x = '' } = publicKey.export({ format: 'jwk' })
  return Buffer.concat([Buffer.from([1]), Buffer.from(x, 'base64url')])
}
