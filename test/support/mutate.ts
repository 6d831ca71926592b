import fc, { type Arbitrary } from 'fast-check'
import { isJsonObject, type Json, type JsonObject } from '../../src/platform/json.ts'
import { hostileText } from './hostile-text.ts'

const ODD_KEYS = [
  '__proto__',
  'constructor',
  'identifier',
  'a/b',
  '~',
  '',
  'k\0ey',
  '\uD800',
  'x'.repeat(5000),
]

const ODD_VALUES: Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>(
    null,
    [],
    {},
    '',
    0,
    -0,
    true,
    '0.9',
    'NaN',
    1e308,
    5e-324,
    2 ** 53 + 2,
    Number.POSITIVE_INFINITY,
  ),
  fc.constantFrom<Json>('\0', 'a\uDC00b', '\u{1F600}', '\t\n\\N\\.', 'x'.repeat(100_000)),
  fc.constantFrom<Json>([[[[]]]], [null, null], { a: { b: { c: [] } } }, [1, [2, [3]]]),
  fc.integer({ min: 190, max: 3000 }).map((depth) => nested(depth)),
  fc.array(fc.integer(), { minLength: 500, maxLength: 1000 }),
)

/** The record after one to three changes: values replaced, removed, wrapped or added, at any depth. */
export function mutated(record: JsonObject): Arbitrary<JsonObject> {
  const change = fc.record({
    at: fc.nat(),
    how: fc.constantFrom('swap', 'drop', 'add', 'wrap', 'text' as const),
    key: fc.constantFrom(...ODD_KEYS),
    value: ODD_VALUES,
  })
  return fc.array(change, { minLength: 1, maxLength: 3 }).map((changes) => {
    const copy = JSON.parse(JSON.stringify(record)) as JsonObject
    for (const { at, how, key, value: shared } of changes) {
      // Each change uses a copy, because a value inside itself would never end.
      const value = typeof shared === 'object' ? (JSON.parse(hostileText(shared)) as Json) : shared
      const places = objectsOf(copy)
      const place = places[at % places.length] as { [key: string]: Json }
      const keys = Object.keys(place).filter((name) => place !== copy || name !== 'identifier')
      const name = keys[at % Math.max(keys.length, 1)]
      if (how === 'add' || name === undefined) {
        if (place !== copy || key !== 'identifier') define(place, key, value)
      } else if (how === 'drop') delete place[name]
      else if (how === 'wrap') define(place, name, [place[name] as Json])
      else if (how === 'text') define(place, name, hostileText(place[name] as Json))
      else define(place, name, value)
    }
    return copy
  })
}

/** Every object of a record, including the record. Iterative, because nesting can be thousands of levels deep. */
function objectsOf(record: JsonObject): object[] {
  const found: object[] = []
  const waiting: Json[] = [record]
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (typeof value !== 'object' || value === null) continue
    if (isJsonObject(value)) found.push(value)
    for (const member of Object.values(value)) waiting.push(member)
  }
  return found
}

function define(target: object, key: string, value: Json): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
}

function nested(depth: number): Json {
  return JSON.parse(`${'{"d":'.repeat(depth)}1${'}'.repeat(depth)}`) as Json
}
