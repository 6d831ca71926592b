import { UsageError } from '../../../platform/errors.ts'

/** The first bytes of a file, by which its form is known. */
const SIGNATURES = [
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
  // The formats of spreadsheets: a ZIP archive, and the older compound file.
  ['spreadsheet', [0x50, 0x4b, 0x03, 0x04]],
  ['spreadsheet', [0xd0, 0xcf, 0x11, 0xe0]],
] as const

const LONGEST_SIGNATURE = 4

/** The first bytes by which data are recognized as binary. */
const EXAMINED_BYTES = 512

/**
 * Decodes a text to UTF-8 without a byte order mark. UTF-16 needs one. Bytes that are not UTF-8 stay as they are.
 *
 * @throws UsageError when the input is not text.
 */
export async function* decodeInput(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let start: Buffer | undefined = Buffer.alloc(0)
  let decode = asIs
  for await (const chunk of stream) {
    if (start === undefined) {
      yield decode(chunk)
      continue
    }
    start = Buffer.concat([start, chunk])
    if (start.length < LONGEST_SIGNATURE) continue
    decode = decoderOf(start)
    yield decode(start)
    start = undefined
  }
  if (start !== undefined && start.length > 0) yield decoderOf(start)(start)
}

function asIs(bytes: Buffer): Buffer {
  return bytes
}

function decoderOf(start: Buffer): (bytes: Buffer) => Buffer {
  const form = SIGNATURES.find(([, bytes]) => bytes.every((byte, position) => start[position] === byte))?.[0]
  if (form === 'spreadsheet') {
    throw new UsageError(
      'The input is a spreadsheet, not text.',
      'Save the sheet as CSV, and give that file.',
    )
  }
  if (form === undefined && isBinary(start)) {
    throw new UsageError(
      'The input is not text.',
      'Give a text or CSV file in UTF-8, or in UTF-16 with a byte order mark.',
    )
  }
  if (form === undefined) return asIs
  // It drops the byte order mark.
  const decoder = new TextDecoder(form)
  return (bytes) => Buffer.from(decoder.decode(bytes, { stream: true }))
}

/** A text has hardly any control characters but white space. Compressed data have one in ten, UTF-16 has one in two. */
function isBinary(start: Buffer): boolean {
  const examined = start.subarray(0, EXAMINED_BYTES)
  const controls = examined.filter((byte) => byte < 0x20 && (byte < 0x09 || byte > 0x0d))
  return controls.length > examined.length / 20
}
