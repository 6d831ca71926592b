import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { expect, it } from 'vitest'
import { checkpointText, createSigner, isSignedBy } from '../../../../src/pipeline/seal/checkpoint.ts'

const CHECKPOINT = checkpointText('run-1', { size: 3, root: Buffer.alloc(32) })

function newKey() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  return { publicKey, privateKey, pem: String(privateKey.export({ format: 'pem', type: 'pkcs8' })) }
}

/** The key ID, as in C2SP signed-note: it hashes the name, a line feed, the type of the key, and its 32 bytes. */
function keyIdOf({ publicKey }: ReturnType<typeof newKey>, name: string): Buffer {
  const key = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
  return createHash('sha256').update(`${name}\n\u0001`).update(key).digest().subarray(0, 4)
}

it('a signature of a checkpoint begins with the key ID, and counts for this key with this key ID only', () => {
  const [key, other] = [newKey(), newKey()]
  const isSigned = (id: Buffer, { privateKey }: typeof key) =>
    isSignedBy(
      CHECKPOINT,
      Buffer.concat([id, sign(null, Buffer.from(CHECKPOINT), privateKey)]).toString('base64'),
      key.publicKey,
    )
  const id = keyIdOf(key, 'identifai-sync/run-1')
  expect(Buffer.from(createSigner(key.pem).sign(CHECKPOINT), 'base64').subarray(0, 4)).toEqual(id)
  expect(isSigned(id, key)).toBe(true)
  expect(isSigned(id, other)).toBe(false)
  expect(isSigned(keyIdOf(other, 'identifai-sync/run-1'), key)).toBe(false)
  expect(isSigned(keyIdOf(key, 'identifai-sync/run-2'), key)).toBe(false)
})
