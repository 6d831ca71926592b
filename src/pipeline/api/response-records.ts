import { createHash } from 'node:crypto'
import type { Json } from '../../platform/json.ts'
import { VERSION } from '../../platform/version.ts'
import { arrayElements } from './array-elements.ts'

/** One element of an answer. */
export type ResponseRecord =
  /** To the byte the record of this identifier that was read before: it is not read again. */
  | { readonly kind: 'known'; readonly identifier: string }
  | {
      readonly kind: 'read'
      readonly value: Json
      /** As it came; valid JSON, without blanks around it. */
      readonly text: string
      /** What it is known by when it comes again. */
      readonly digest: string
    }

/** Identifiers by the digest of the record that each was answered with last. */
export type IdenticalRecords = ReadonlyMap<string, string>

/**
 * Takes an answer apart. What is known, as most of a sweep is, is hashed and not parsed.
 *
 * @returns undefined where the body is JSON, but no array.
 * @throws SyntaxError or TypeError where it is not JSON in UTF-8.
 */
export function parseRecords(body: Buffer, known: IdenticalRecords): ResponseRecord[] | undefined {
  const text = withoutByteOrderMark(body)
  const elements = arrayElements(text)
  if (elements) return elements.map((element) => parseRecord(element, known))
  JSON.parse(UTF8.decode(text))
  return undefined
}

/**
 * What a record is known by when it comes again: SHA-256, as 64 hex digits, of its bytes and of the version of this
 * software, because another one may read the same record differently.
 */
export function recordDigest(record: Buffer | string): string {
  return createHash('sha256').update(`${VERSION} `).update(record).digest('hex')
}

function parseRecord(element: Buffer, known: IdenticalRecords): ResponseRecord {
  const digest = recordDigest(element)
  const identifier = known.get(digest)
  if (identifier !== undefined) return { kind: 'known', identifier }
  const text = UTF8.decode(element)
  return { kind: 'read', value: JSON.parse(text) as Json, text, digest }
}

/** Fatal: a broken byte must not become a replacement character in somebody's evidence. */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const BYTE_ORDER_MARK = Buffer.from('\uFEFF')

function withoutByteOrderMark(body: Buffer): Buffer {
  const { length } = BYTE_ORDER_MARK
  return body.subarray(0, length).equals(BYTE_ORDER_MARK) ? body.subarray(length) : body
}
