import fc, { type Arbitrary } from 'fast-check'
import type { Json, JsonObject } from '../../src/platform/json.ts'

/** Any text that JSON can carry, sometimes with a character that PostgreSQL cannot store. */
const text: Arbitrary<string> = fc.oneof(
  { weight: 12, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.string({ maxLength: 3 }), fc.constantFrom('\0', '\uD800', '\uDFFF', '\\u0000', '\uFFFD'))
      .map(([before, odd]) => before + odd),
  },
)

/** Any finite number that a JSON text can carry. */
const number = fc.oneof(
  fc.double({ noDefaultInfinity: true, noNaN: true }),
  fc.integer(),
  fc.double({ min: 0, max: 1, noNaN: true }),
)

/** Keys that break naive code, and any other keys. */
const oddKey = fc.oneof(
  fc.constantFrom(
    '__proto__',
    'constructor',
    'toString',
    'a/b',
    'c~d',
    '~1',
    '',
    '0',
    'identifier',
    'errors',
    'clips',
  ),
  text,
)

/** Any JSON, nested at most three levels deep. */
const json: Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.oneof(text, number, fc.boolean(), fc.constant(null), fc.constant([]), fc.constant({})),
    fc.array(tie('value'), { maxLength: 3 }),
    object(fc.array(fc.tuple(oddKey, tie('value')), { maxLength: 3 })),
  ),
})).value

/** A field as the API may return it: a value, absent, null, [] or {}. */
function field<T extends Json>(value: Arbitrary<T>): Arbitrary<Json | undefined> {
  return fc.oneof(
    { weight: 6, arbitrary: value },
    { weight: 1, arbitrary: fc.constantFrom<Json | undefined>(undefined, null, [], {}) },
  )
}

/** An object of known fields, sometimes with an unknown field. */
function record(fields: Readonly<Record<string, Arbitrary<Json>>>): Arbitrary<JsonObject> {
  const known = fc.record(
    Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, field(value)])),
  )
  const unknown = fc.oneof(
    { weight: 4, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(fc.tuple(oddKey, json), { maxLength: 2 }) },
  )
  return fc.tuple(known, unknown).map(([values, extras]) => {
    const entries = Object.entries(values).filter(([, value]) => value !== undefined) as [string, Json][]
    return own([...extras.filter(([key]) => !Object.hasOwn(fields, key)), ...entries])
  })
}

function object(entries: Arbitrary<[string, Json][]>): Arbitrary<JsonObject> {
  return entries.map(own)
}

/** An object with these own members, `__proto__` included, as JSON.parse makes it. */
function own(entries: readonly (readonly [string, Json])[]): JsonObject {
  const made = {}
  for (const [key, value] of entries) {
    Object.defineProperty(made, key, { value, enumerable: true, configurable: true, writable: true })
  }
  return made
}

/** A list, sometimes with a null element. */
function list<T extends Json>(element: Arbitrary<T>, maxLength: number): Arbitrary<Json[]> {
  const elements = fc.oneof({ weight: 9, arbitrary: element }, { weight: 1, arbitrary: fc.constant(null) })
  return fc.array(elements, { maxLength })
}

const label = fc.oneof(fc.constantFrom('human', 'artificial'), text)

const verdict = record({
  heuristic: fc.oneof(fc.constantFrom('Majority', 'Average'), text),
  confidence: number,
  classification: label,
  models: list(text, 3),
})

const modelResult = record({
  model: fc.oneof(fc.constantFrom('Phantom', 'Zebra II'), text),
  unknown: fc.boolean(),
  elapsed_time: number,
  classification: list(record({ label, score: number }), 3),
  classification_details: object(fc.array(fc.tuple(oddKey, json), { maxLength: 3 })),
})

const clip = record({ index: number, start: number, end: number, results: list(modelResult, 2), verdict })

/** Mostly a few clips, sometimes more than a hundred. */
const clips = fc.oneof(
  { weight: 20, arbitrary: list(clip, 4) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(clip, fc.integer({ min: 100, max: 120 }))
      .map(([one, times]) => Array<Json>(times).fill(one)),
  },
)

/** Any record that fits the audio contract, with known and unknown fields and with either or both clip shapes. */
export const audioRecordArbitrary: Arbitrary<JsonObject> = fc
  .tuple(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
    record({
      hash: text,
      api_version: text,
      status: fc.constantFrom('new', 'done', 'errored'),
      errors: fc.oneof(text, fc.array(text, { maxLength: 3 })),
      name: text,
      ref_id: text,
      result_url: text,
      verdict,
      verdicts: list(verdict, 4),
      force_classification: label,
      results: list(modelResult, 3),
      details: record({ clips }),
      chunk_details: fc.oneof(
        { weight: 2, arbitrary: fc.constant<Json>(null) },
        { weight: 1, arbitrary: clips },
      ),
    }),
  )
  .map(([identifier, rest]) =>
    own([...Object.entries(rest).filter(([key]) => key !== 'identifier'), ['identifier', identifier]]),
  )
