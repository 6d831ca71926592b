import canonicalize from 'canonicalize'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { canonicalJson } from '../../../src/platform/canonical-json.ts'
import type { Json } from '../../../src/platform/json.ts'
import { sampleSize } from '../../support/sample-size.ts'

/** Well-formed texts, with characters beyond the basic plane, whose order by code unit is not that by code point. */
const text = fc.string({ unit: 'binary' })
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false, 0, -0, 1e21, 1e-7, 5e-324),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    text,
    fc.array(tie('value')),
    // Few keys and many are sorted in different ways.
    {
      weight: 1,
      arbitrary: fc
        .array(text, { minLength: 40, maxLength: 60 })
        .map((keys) => Object.fromEntries(keys.map((key) => [key, 0]))),
    },
    fc.dictionary(fc.oneof(text, fc.constantFrom('10', '9', 'é', '\u{1F600}', '\uFB33')), tie('value')),
  ),
})).value as fc.Arbitrary<Json>

/** An object has array indexes first, although "!" is before them by code unit. */
const INDEXES_AND_OTHER_KEYS: [Json][] = [[{ '!': 1, 0: 2 }], [{ '!': 1, 9: 2 }], [{ 9: 1, 10: 2 }]]

it('is what another implementation of RFC 8785 writes, for any value', () => {
  fc.assert(
    fc.property(json, (value) => {
      expect(canonicalJson(value)).toBe(canonicalize(value))
    }),
    { numRuns: sampleSize(500), examples: INDEXES_AND_OTHER_KEYS },
  )
})
