import { createHash } from 'node:crypto'
import { canonicalJson } from '../platform/canonical-json.ts'
import type { JsonObject } from '../platform/json.ts'

/** Names the definition of the canonical content; digests compare within one version only. */
export const DIGEST_VERSION = 1

/** SHA-256, as 64 hex digits, of the canonical content in RFC 8785 JSON. */
export function contentDigest(canonical: JsonObject): string {
  return createHash('sha256').update(canonicalJson(canonical)).digest('hex')
}
