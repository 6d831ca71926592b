import type { DRIFT_KINDS } from '../platform/postgres/tables/history.ts'
import type { Json, JsonObject } from '../platform/json.ts'

/** One problem of a record; `path` is a JSON Pointer into it. */
export interface Issue {
  readonly path: string
  readonly message: string
}

/** One deviation of a record from the contract that does not break it. */
export interface Drift {
  readonly kind: (typeof DRIFT_KINDS)[number]
  /** JSON Pointer with list positions replaced by `*`. */
  readonly path: string
  readonly sample: Json
}

/** Fields that are not in the contract, at any depth: JSON Pointer into `content` → value as received. */
export type Extra = Readonly<Record<string, Json>>

/**
 * Fields with a character that PostgreSQL cannot store: JSON Pointer into `content` → exact JSON text of the field, both
 * escaped as in JSON.
 */
export type Unstorable = { [pointer: string]: string }

/** A record that fits the contract of its medium; `Known` has its known fields. */
export interface Classification<Known> {
  /** In a form that PostgreSQL can store, as `extra`. */
  readonly known: Known
  readonly extra: Extra
  readonly unstorable: Readonly<Unstorable>
  /** Known and unknown fields together, as received, without the empty fields of the contract. */
  readonly content: JsonObject
  readonly drift: readonly Drift[]
}

/** The result for one record: accepted, or rejected with every reason found. */
export type Validation<Known> =
  | { readonly accepted: true; readonly classification: Classification<Known> }
  | {
      readonly accepted: false
      readonly reason: 'invalid_payload' | 'unstorable'
      readonly issues: readonly Issue[]
    }
