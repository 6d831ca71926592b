import { hash } from 'node:crypto'
import { VERSION } from '../version.ts'

/**
 * What a record is known by when it comes again: SHA-256, as 64 hex digits, of its text and of the version of this
 * software, because another one may read the same record differently.
 */
export function answerDigest(text: string): string {
  return hash('sha256', `${VERSION} ${text}`)
}
