import { TextDecoder } from 'node:util'
import { encodingOf } from '../../../platform/decode-text.ts'
import { UsageError } from '../../../platform/errors.ts'

/** The reason for which a text with U+FFFD is invalid. */
export const NOT_UTF8 = 'not valid UTF-8'

/** The first bytes of the files of spreadsheets: a ZIP archive, and the older compound file. */
const SPREADSHEETS = [
  [0x50, 0x4b, 0x03, 0x04],
  [0xd0, 0xcf, 0x11, 0xe0],
] as const

/** A spreadsheet and a byte order mark can be recognized from here on. */
const LEAST_BYTES = 4

/** The first bytes by which data are recognized as binary. */
const EXAMINED_BYTES = 512

/**
 * Decodes a text to UTF-8 without a byte order mark. UTF-16 needs one. Bytes that are not UTF-8 become U+FFFD.
 *
 * @throws UsageError when the input is not text.
 */
export async function* decodeInput(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let start = Buffer.alloc(0)
  let decoder: TextDecoder | undefined
  for await (const chunk of stream) {
    if (decoder === undefined) {
      start = Buffer.concat([start, chunk])
      if (start.length < LEAST_BYTES) continue
      decoder = decoderOf(start)
      yield Buffer.from(decoder.decode(start, { stream: true }))
    } else yield Buffer.from(decoder.decode(chunk, { stream: true }))
  }
  yield Buffer.from(decoder === undefined ? decoderOf(start).decode(start) : decoder.decode())
}

function decoderOf(start: Buffer): TextDecoder {
  if (SPREADSHEETS.some((signature) => signature.every((byte, position) => start[position] === byte))) {
    throw new UsageError(
      'The input is a spreadsheet, not text.',
      'Save the sheet as CSV, and give that file.',
    )
  }
  const encoding = encodingOf(start)
  if (encoding === 'utf-8' && isBinary(start)) {
    throw new UsageError(
      'The input is not text.',
      'Give a text or CSV file in UTF-8, or in UTF-16 with a byte order mark.',
    )
  }
  return new TextDecoder(encoding)
}

/** A text has hardly any control characters but white space. Compressed data have one in ten, UTF-16 has one in two. */
function isBinary(start: Buffer): boolean {
  const examined = start.subarray(0, EXAMINED_BYTES)
  const controls = examined.filter((byte) => byte < 0x20 && (byte < 0x09 || byte > 0x0d))
  return controls.length > examined.length / 20
}
