import type { Insertable } from 'kysely'
import type { Jsonb } from '../column-types.ts'

/** The record behind each revision, as received. */
export interface RevisionPayloadsTable {
  classification_id: number
  revision_no: number
  payload: Jsonb
}

export type NewRevisionPayloadRow = Insertable<RevisionPayloadsTable>
