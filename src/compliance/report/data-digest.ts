import { createHash } from 'node:crypto'
import { canonicalJson } from '../../platform/canonical-json.ts'
import type { Json } from '../../platform/json.ts'
import type { ReportData } from './report.ts'

/** SHA-256 (hex) of the RFC 8785 JSON of a report's data. Lists go in element by element: a report can be long. */
export function dataDigest(data: ReportData): string {
  const hash = createHash('sha256')
  for (const text of canonicalParts(data)) hash.update(text)
  return hash.digest('hex')
}

/** The RFC 8785 JSON of the data in parts; the order of its keys is that of their code units. */
export function* canonicalParts(data: ReportData): Generator<string> {
  for (const [position, key] of Object.keys(data).toSorted().entries()) {
    yield `${position === 0 ? '{' : ','}${JSON.stringify(key)}:`
    const value = data[key as keyof ReportData] as Json
    if (Array.isArray(value)) yield* canonicalElements(value)
    else yield canonicalJson(value)
  }
  yield '}'
}

function* canonicalElements(list: readonly Json[]): Generator<string> {
  yield '['
  for (const [position, element] of list.entries()) yield (position === 0 ? '' : ',') + canonicalJson(element)
  yield ']'
}
