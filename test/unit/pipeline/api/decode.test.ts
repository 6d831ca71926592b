import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { decoded } from '../../../../src/pipeline/api/decode.ts'

const BODY = Buffer.alloc(1000, 'x')

it.each([
  ['gzip', gzipSync(BODY)],
  ['br', brotliCompressSync(BODY)],
  ['zstd', zstdCompressSync(BODY)],
  ['deflate', deflateSync(BODY)],
  ['deflate', deflateRawSync(BODY)],
  ['br, gzip', gzipSync(brotliCompressSync(BODY))],
])('a body in %s is decoded up to the limit, and not beyond it', async (encoding, body) => {
  expect(body.length).toBeLessThan(100)
  expect(await decoded(body, encoding, BODY.length)).toEqual(BODY)
  await expect(decoded(body, encoding, BODY.length - 1)).rejects.toThrow()
})
