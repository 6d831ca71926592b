import { type ResponseRecord, parseRecords } from '../../src/pipeline/api/records.ts'
import type { Json } from '../../src/platform/json.ts'
import { hostileText } from './hostile-text.ts'

/** The parsed records of a response with these records. The database has none of them. */
export function responseRecords(records: readonly Json[]): ResponseRecord[] {
  return [...parseRecords(Buffer.from(`[${records.map(hostileText).join(',')}]`), new Map())]
}
