import type { DataTable } from '../platform/postgres/table.ts'
import type { ClassificationRow } from '../platform/postgres/tables/classifications.ts'
import type { ContentCause, RevisionRow } from '../platform/postgres/tables/history.ts'
import type { Json, JsonObject } from '../platform/json.ts'
import type { Classification, Validation } from './validation.ts'

/**
 * Everything that is particular to one medium: the address of its records, their contract, and how they become rows.
 * The rest of the code uses endpoints only by this shape, and takes them from the registry.
 */
export interface Endpoint<Known = unknown> {
  /** Value of the `media` columns. */
  readonly media: string
  /** Path of the GET of many classifications, below the API's base URL. */
  readonly path: string
  /** The tables that only this medium has, parents before children. */
  readonly tables: readonly DataTable[]
  /** For each cause of a revision, the part of the canonical content that it is about. */
  readonly parts: Readonly<Partial<Record<ContentCause, Part>>>
  /** Compares one record with the contract of the medium. */
  validate(payload: JsonObject): Validation<Known>
  /** Rows, digest and history facts of an accepted record. */
  normalize(classificationId: number, classification: Classification<Known>): RowSet
  /** The inverse of `normalize`, without the members that are null, `[]` or `{}`. */
  denormalize(rows: ContentRows): JsonObject
  /** The content of a stored payload in the form that is digested and compared. */
  canonicalize(payload: JsonObject): JsonObject
}

/** A part of a canonical content; undefined where the content does not have it. */
export type Part = (content: JsonObject) => Json | undefined

/** The classification row without the columns that loading decides. */
export type ContentRow = Omit<ClassificationRow, 'revision_no' | 'observed_at' | 'run_id'>

/** The rows that hold one classification; together they hold all of its payload. */
export interface ContentRows {
  readonly classification: ContentRow
  /** Rows of the medium's own tables, by table name, each list in the order of its ordinals. */
  readonly children: Readonly<Record<string, readonly object[]>>
}

/** Everything that one accepted record becomes: its rows, and its facts in history. */
export interface RowSet extends ContentRows {
  /** False for a status that is not documented; the record counts as unfinished then. */
  readonly hasKnownStatus: boolean
  /** SHA-256 (hex) of the canonical content, by the current DIGEST_VERSION. */
  readonly contentDigest: string
  /** The columns of the revision that come from the record. */
  readonly revision: Pick<
    RevisionRow,
    | 'file_hash'
    | 'status'
    | 'api_version'
    | 'machine_classification'
    | 'machine_confidence'
    | 'machine_heuristic'
    | 'force_classification'
  >
}
