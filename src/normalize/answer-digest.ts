import { hash } from 'node:crypto'
import type { JsonObject } from '../json.ts'
import { VERSION } from '../version.ts'

/** A record as JSON text, its keys in the order they came in; null when it is nested too deep to be written. */
export function recordText(record: JsonObject): string | null {
  try {
    return JSON.stringify(record)
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

/**
 * What a record is known by when it comes again: SHA-256, as 64 hex digits, of its text and of the version of this
 * software, because another one may read the same record differently.
 */
export function answerDigest(text: string): string {
  return hash('sha256', `${VERSION} ${text}`)
}
