import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arrayElements } from '../../../../src/pipeline/api/records.ts'
import { sampleSize } from '../../../support/sample-size.ts'

const elements = (text: string) => arrayElements(Buffer.from(text))?.map(String)

/** JSON text of a value with blanks wherever JSON allows them. */
function withBlanks(value: unknown, blank: () => string): string {
  const around = (text: string) => `${blank()}${text}${blank()}`
  if (Array.isArray(value))
    return around(`[${value.map((one) => withBlanks(one, blank)).join(',') || blank()}]`)
  if (typeof value !== 'object' || value === null) return around(JSON.stringify(value))
  const members = Object.entries(value).map(
    ([key, member]) => `${around(JSON.stringify(key))}:${withBlanks(member, blank)}`,
  )
  return around(`{${members.join(',') || blank()}}`)
}

/** The result of JSON.parse, or undefined if the text is not JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

describe('the elements of an array', () => {
  it.each([
    ['[]', []],
    [' [\n] ', []],
    ['[1]', ['1']],
    ['[1,[2,3],{"a":[4]}]', ['1', '[2,3]', '{"a":[4]}']],
    ['\t[ {"a" : 1} ,\r\n null ]\n', ['{"a" : 1}', 'null']],
    [String.raw`["a,]\"[","\\",{"]":"}"}]`, [String.raw`"a,]\"["`, String.raw`"\\"`, '{"]":"}"}']],
    ['["é€😀,]"]', ['"é€😀,]"']],
    // The array is not JSON, because its elements are not.
    ['[,]', ['', '']],
    ['[1,]', ['1', '']],
    ['[{]]', ['{]']],
    ['[}]', ['}']],
    ['[1},2]', ['1}', '2']],
  ])('of %s', (text, expected) => {
    expect(elements(text)).toEqual(expected)
  })

  it.each([
    '',
    ' ',
    '{}',
    '1',
    '"[]"',
    'null',
    '[',
    '[1',
    '["',
    '["\\',
    '["]',
    '[[]',
    '[] 1',
    '[][]',
    '[]]',
    ']',
  ])('do not exist in %s, which is not one array', (text) => {
    expect(elements(text)).toBeUndefined()
  })

  it('are those that JSON.parse finds, for any values and any blanks', () => {
    const blank = fc.constantFrom('', '', ' ', '\n', '\t', '\r\n ')
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.gen(), (values, gen) => {
        const text = withBlanks(values, () => gen(() => blank))
        expect(elements(text)?.map((element) => JSON.parse(element) as unknown)).toEqual(JSON.parse(text))
      }),
    )
  })

  it('are all JSON when, and only when, the whole is an array', () => {
    const piece = fc.constantFrom(
      ...Array.from('[]{},:"\\ \n0-e.'),
      'null',
      '"a"',
      '{"a":1}',
      '[1]',
      '\u00e9',
      '\u0001',
    )
    let arrays = 0
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('')
        for (const tried of [text, `[${text}]`]) {
          const whole = parsed(tried)
          const found = elements(tried)?.map(parsed)
          if (Array.isArray(whole)) arrays++
          expect(found === undefined || found.includes(undefined) ? undefined : found).toEqual(
            Array.isArray(whole) ? whole : undefined,
          )
        }
      }),
      { numRuns: sampleSize(2000) },
    )
    expect(arrays).toBeGreaterThan(50)
  })
})
