import type { Classification, Validation } from './validation.ts'
import type { JsonObject } from '../platform/json.ts'
import type { ContentRows, RowSet } from './row-set.ts'

/**
 * Everything that is particular to one medium: where to ask, what an answer may look like, and how it becomes rows.
 * The rest of the code knows endpoints only by this shape.
 */
export interface Endpoint<Known = unknown> {
  /** Value of the `media` columns. */
  readonly media: string
  /** Path of the GET of many classifications, below the API's base URL. */
  readonly path: string
  /** Holds one record against the contract of the medium. */
  validate(payload: JsonObject): Validation<Known>
  /** Rows, digest and history facts of an accepted record. */
  normalize(classificationId: number, classification: Classification<Known>): RowSet
  /** The inverse of normalize, as far as rows hold the record: all but what says nothing. */
  denormalize(rows: ContentRows): JsonObject
  /** The content of a kept payload in the form that is digested and compared. */
  canonicalize(payload: JsonObject): JsonObject
}
