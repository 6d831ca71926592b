import { hash } from 'node:crypto'
import type { Json } from '../../platform/json.ts'
import { VERSION } from '../../platform/version.ts'

/** One element of a response. */
export type ResponseRecord =
  /** Byte for byte the record that this identifier had last; it is not parsed again. */
  | { readonly kind: 'identical'; readonly identifier: string }
  | {
      readonly kind: 'read'
      readonly value: Json
      /** As received: JSON in UTF-8, without white space around it. */
      readonly bytes: Buffer
      /** Recognizes the record when it is received again. */
      readonly recordDigest: string
    }

/** Identifiers by the digest of the last record of each. */
export type LastRecords = ReadonlyMap<string, string>

/**
 * Splits a response into its records. A record that is identical to the last one, as most are in a refresh, is hashed and
 * not parsed. The others are parsed one by one, so that a caller can drop each before the next. A hundred parsed records
 * together would make the garbage collector copy megabytes.
 *
 * @throws SyntaxError or TypeError, before or after some records, where the body is not a JSON array in UTF-8.
 */
export function* parseRecords(body: Buffer, last: LastRecords): Generator<ResponseRecord> {
  const elements = arrayElements(withoutByteOrderMark(body))
  if (!elements) throw new SyntaxError('not a JSON array')
  for (const element of elements) yield parseRecord(element, last)
}

/**
 * The digest that recognizes a record when it is received again: SHA-256, as 64 hex digits. It covers the record and the
 * version of this software, because another version may read the same record differently.
 */
export function recordDigest(record: Buffer): string {
  return hash('sha256', `${VERSION} ${hash('sha256', record)}`)
}

function parseRecord(element: Buffer, last: LastRecords): ResponseRecord {
  const digest = recordDigest(element)
  const identifier = last.get(digest)
  if (identifier !== undefined) return { kind: 'identical', identifier }
  const value = JSON.parse(UTF8.decode(element)) as Json
  return { kind: 'read', value, bytes: element, recordDigest: digest }
}

/** Fatal, because a broken byte must not become a replacement character in evidence. */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const BYTE_ORDER_MARK = Buffer.from('\uFEFF')

function withoutByteOrderMark(body: Buffer): Buffer {
  const { length } = BYTE_ORDER_MARK
  return body.subarray(0, length).equals(BYTE_ORDER_MARK) ? body.subarray(length) : body
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const LIST = 0x5b
const LIST_END = 0x5d
const OBJECT = 0x7b
const OBJECT_END = 0x7d

/**
 * The elements of a JSON array in UTF-8, each as its bytes without the white space around it. They are views of `text`.
 * Does not check that an element is JSON; the array is JSON if each of them is.
 *
 * @returns undefined where the text does not have the form of one array.
 */
export function arrayElements(text: Buffer): Buffer[] | undefined {
  const elements: Buffer[] = []
  const open = afterWhiteSpace(text, 0)
  if (text[open] !== LIST) return undefined
  let start = open + 1
  let depth = 0
  for (let at = start; at < text.length; at++) {
    const byte = text[at]
    if (byte === QUOTE) at = endOfString(text, at)
    else if (byte === LIST || byte === OBJECT) depth++
    else if (depth > 0) {
      if (byte === LIST_END || byte === OBJECT_END) depth--
    } else if (byte === COMMA || byte === LIST_END) {
      elements.push(withoutWhiteSpace(text, start, at))
      start = at + 1
      if (byte === LIST_END)
        return afterWhiteSpace(text, start) === text.length ? unlessEmpty(elements) : undefined
    }
  }
  return undefined
}

/** The end of the string that begins at `at`: its closing quote, or the end of the text without one. */
function endOfString(text: Buffer, at: number): number {
  let end = at + 1
  while (end < text.length && text[end] !== QUOTE) end += text[end] === BACKSLASH ? 2 : 1
  return end
}

/** An array with nothing between its brackets has no element. */
function unlessEmpty(elements: Buffer[]): Buffer[] {
  return elements.length === 1 && elements[0]?.length === 0 ? [] : elements
}

function withoutWhiteSpace(text: Buffer, start: number, end: number): Buffer {
  const first = Math.min(afterWhiteSpace(text, start), end)
  let last = end
  while (last > first && isWhiteSpace(text[last - 1])) last--
  return text.subarray(first, last)
}

function afterWhiteSpace(text: Buffer, from: number): number {
  let at = from
  while (isWhiteSpace(text[at])) at++
  return at
}

/** White space of JSON: space, tab, line feed and carriage return. */
function isWhiteSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d
}
