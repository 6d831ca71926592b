import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Json } from '../../../src/platform/json.ts'
import { hasKeyTwice } from '../../../src/platform/key-twice.ts'
import { sampleSize } from '../../support/sample-size.ts'

const property = (check: (value: Json) => void) =>
  fc.assert(
    fc.property(fc.jsonValue(), (value) => check(value as Json)),
    { numRuns: sampleSize(500) },
  )

it('finds no key twice in a text that JSON.stringify wrote', () => {
  property((value) => {
    for (const text of [JSON.stringify(value), JSON.stringify(value, null, 2)])
      expect(hasKeyTwice(text, JSON.parse(text))).toBe(false)
  })
})

it('finds a key twice, also in a nested object, and among strings with quotes, backslashes and colons', () => {
  property((value) => {
    const [text, nested] = [JSON.stringify(value), JSON.stringify(JSON.stringify(value))]
    const twice = `{"a": [${nested}, {"b" : ${text}, "c":":", "b":${nested}}]}`
    expect(hasKeyTwice(twice, JSON.parse(twice))).toBe(true)
  })
})
