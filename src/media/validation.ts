import type { Json, JsonObject } from '../platform/json.ts'

/** One thing that is wrong with a record; `path` is a JSON Pointer into it. */
export interface Issue {
  readonly path: string
  readonly message: string
}

/** One sign that the API has moved away from the contract without breaking it. */
export interface Drift {
  readonly kind: 'unknown_field' | 'unknown_value' | 'moved_field'
  /** JSON Pointer with list positions replaced by `*`. */
  readonly path: string
  readonly sample: Json
}

/** Fields the contract does not know, at any depth: JSON Pointer into `content` → value. */
export type Extra = Readonly<Record<string, Json>>

/** A record that fits the contract of its medium; `Known` has its known fields. */
export interface Classification<Known> {
  readonly known: Known
  readonly extra: Extra
  /** Known and unknown fields together, with everything dropped that says nothing. */
  readonly content: JsonObject
  readonly drift: readonly Drift[]
}

/** What became of one record: accepted, or rejected with every reason found. */
export type Validation<Known> =
  | { readonly accepted: true; readonly classification: Classification<Known> }
  | {
      readonly accepted: false
      readonly reason: 'invalid_payload' | 'unstorable'
      readonly issues: readonly Issue[]
    }
