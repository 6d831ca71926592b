import type { Generated, Timestamp } from '../column-types.ts'

type DriftKind = 'unknown_field' | 'unknown_value' | 'moved_field'

/** Where the API has moved away from the contract without breaking it. */
export interface SchemaDriftTable {
  media: Generated<string>
  path: string
  kind: DriftKind
  first_seen_at: Generated<Timestamp>
  last_seen_at: Generated<Timestamp>
  occurrences: Generated<number>
  sample: string | null
}
