import type { KyselyTable, Table } from './table.ts'
import { CLASSIFICATIONS } from './tables/classifications.ts'
import {
  ACTIONS,
  CLASSIFICATION_REVISIONS,
  OVERRIDE_NOTES,
  PERSONAL_VALUES,
  QUARANTINED_PAYLOADS,
  REVISION_PAYLOADS,
  SCHEMA_DRIFT,
} from './tables/history.ts'
import { API_QUOTA, API_SIZE_LIMITS, CHANGE_CLOCK, IDENTIFIERS, MEDIA_TABLE } from './tables/queue.ts'
import { CHAIN_LEAVES, CHAIN_TIMESTAMPS, SYNC_RUNS, VERIFICATIONS, WEBHOOK_POSITION } from './tables/runs.ts'

/** The tables that every medium shares, as the migrations leave them; `npm run schema:drift` compares the two. */
export const SHARED_TABLES = [
  MEDIA_TABLE,
  IDENTIFIERS,
  CHANGE_CLOCK,
  SYNC_RUNS,
  CLASSIFICATIONS,
  CLASSIFICATION_REVISIONS,
  PERSONAL_VALUES,
  REVISION_PAYLOADS,
  QUARANTINED_PAYLOADS,
  SCHEMA_DRIFT,
  API_QUOTA,
  API_SIZE_LIMITS,
  OVERRIDE_NOTES,
  ACTIONS,
  CHAIN_LEAVES,
  CHAIN_TIMESTAMPS,
  VERIFICATIONS,
  WEBHOOK_POSITION,
] as const satisfies readonly Table[]

type Shared = (typeof SHARED_TABLES)[number]

/** The shared tables as Kysely knows them. Tables of a medium are read and written by their descriptors alone. */
export type Database = {
  [T in Shared as `identifai.${T['name']}`]: KyselyTable<T>
}
