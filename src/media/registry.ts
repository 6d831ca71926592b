import type { DataTable } from '../platform/postgres/table.ts'
import { CLASSIFICATIONS } from '../platform/postgres/tables/classifications.ts'
import {
  CLASSIFICATION_REVISIONS,
  PERSONAL_VALUES,
  REVISION_PAYLOADS,
} from '../platform/postgres/tables/history.ts'
import { UsageError } from '../platform/errors.ts'
import { audioEndpoint } from './audio/endpoint.ts'
import type { Endpoint } from './endpoint.ts'

/** The media that are requested and loaded. The migration of each adds its row to `identifai.media`. */
export const ENDPOINTS: readonly [Endpoint, ...Endpoint[]] = [audioEndpoint]

/** Names of the registered media; the first is the default of every command. */
export const MEDIA = ENDPOINTS.map(({ media }) => media)

export const DEFAULT_MEDIA = ENDPOINTS[0].media

/** The tables that hold the current content of classifications, parents before children. */
export const CONTENT_TABLES: readonly DataTable[] = [
  CLASSIFICATIONS,
  ...ENDPOINTS.flatMap(({ tables }) => tables),
]

/** The tables whose rows belong to a classification, parents before children. */
export const DATA_TABLES: readonly DataTable[] = [
  ...CONTENT_TABLES,
  CLASSIFICATION_REVISIONS,
  PERSONAL_VALUES,
  REVISION_PAYLOADS,
]

/** Their names, in the same order. */
export const DATA_TABLE_NAMES: readonly string[] = DATA_TABLES.map(({ name }) => name)

/** @throws UsageError that names the registered media. */
export function endpointOf(media: string): Endpoint {
  const endpoint = ENDPOINTS.find((one) => one.media === media)
  if (endpoint) return endpoint
  throw new UsageError(`This version has no medium ${media}.`, `Give one of these: ${MEDIA.join(', ')}.`)
}
