import type { Json } from '../../src/platform/json.ts'

/**
 * A record as text for comparison, independent of the product: keys are sorted, and empty values are left out. Absent,
 * null, [] and {} are the same. An empty element of a list becomes null, so that the others keep their positions; lists
 * of the contract drop it. Scores compare as sets. Minus zero is zero, as in JSON.
 */
export function meaning(record: Json): string {
  return JSON.stringify(simplify(record, '') ?? null)
}

const SETS = new Set(['errors', 'verdicts', 'results', 'classification', 'models', 'clips', 'chunk_details'])

function simplify(value: Json, key: string): Json | undefined {
  if (value === null) return undefined
  if (typeof value !== 'object') return value === 0 ? 0 : value
  if (Array.isArray(value)) {
    const elements = value.map((element) => simplify(element, ''))
    const kept = SETS.has(key)
      ? elements.filter((element) => element !== undefined)
      : elements.map((e) => e ?? null)
    const ordered = key === 'classification' ? kept.map((e) => JSON.stringify(e)).toSorted() : kept
    return ordered.length === 0 ? undefined : ordered
  }
  const members = Object.entries(value)
    .map(([name, member]) => [name, simplify(member, name)] as const)
    .filter(([, member]) => member !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
  // An entry list keeps keys such as __proto__ as plain data.
  return members.length === 0 ? undefined : { entries: members as unknown as Json }
}
