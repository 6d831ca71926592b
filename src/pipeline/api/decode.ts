import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate, inflateRaw, zstdDecompress } from 'node:zlib'

interface Limits {
  readonly maxOutputLength: number
}

type Decode = (bytes: Buffer, limits: Limits) => Promise<Buffer>

const [decodeZlib, decodeRaw] = [
  promisify<Buffer, Limits, Buffer>(inflate),
  promisify<Buffer, Limits, Buffer>(inflateRaw),
]

const DECODERS: Readonly<Record<string, Decode>> = {
  identity: async (bytes) => bytes,
  gzip: promisify<Buffer, Limits, Buffer>(gunzip),
  'x-gzip': promisify<Buffer, Limits, Buffer>(gunzip),
  br: promisify<Buffer, Limits, Buffer>(brotliDecompress),
  zstd: promisify<Buffer, Limits, Buffer>(zstdDecompress),
  // RFC 9110 means the zlib format. Some servers send the bare data.
  deflate: (bytes, limits) => decodeZlib(bytes, limits).catch(() => decodeRaw(bytes, limits)),
}

/**
 * Decodes a body by its `Content-Encoding`. Some proxies use encodings that were not offered, so these are decoded, too.
 *
 * @throws Error for an unknown encoding, for data that does not have it, and for a larger result than `maxBytes`.
 */
export async function decoded(body: Buffer, contentEncoding: string, maxBytes: number): Promise<Buffer> {
  // The encodings are listed in the order in which they were applied.
  const encodings = contentEncoding
    .toLowerCase()
    .split(',')
    .map((one) => one.trim())
    .filter(Boolean)
  let bytes = body
  for (const encoding of encodings.toReversed()) {
    const decode = DECODERS[encoding]
    if (!decode) throw new Error(`the response has the unknown content encoding ${encoding}`)
    bytes = await decode(bytes, { maxOutputLength: maxBytes })
  }
  return bytes
}
