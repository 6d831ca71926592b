import { hash } from 'node:crypto'
import { canonicalJson } from '../../platform/canonical-json.ts'

/** The values of a revision that may be about a person. Its sealed form has only their commitment. */
export const PERSONAL_FIELDS = ['name', 'ref_id', 'result_url', 'source'] as const

export type PersonalValues = Readonly<Record<(typeof PERSONAL_FIELDS)[number], string | null>>

/** Returns the commitment to the personal values of a revision: that to the RFC 8785 JSON of those that are not null. */
export function personalCommitment(salt: string, values: PersonalValues): string {
  const present = PERSONAL_FIELDS.filter((name) => values[name] !== null)
  return commitment(
    salt,
    Buffer.from(canonicalJson(Object.fromEntries(present.map((name) => [name, values[name]])))),
  )
}

/** Returns SHA-256 (hex) of a salt (hex) and bytes. It cannot be compared with guesses without the salt. */
export function commitment(salt: string, bytes: Buffer): string {
  return hash('sha256', Buffer.concat([Buffer.from(salt, 'hex'), bytes]))
}
