import { type ResponseRecord, parseRecords } from '../../src/pipeline/api/records.ts'
import type { Json } from '../../src/platform/json.ts'
import { hostileText } from './hostile-text.ts'

/** The elements of an answer with these records, none of which was known. */
export function answered(records: readonly Json[]): ResponseRecord[] {
  const elements = parseRecords(Buffer.from(`[${records.map(hostileText).join(',')}]`), new Map())
  if (!elements) throw new Error('not an array')
  return elements
}
