import { describe, expect, it } from 'vitest'
import {
  asciiText,
  isBlank,
  printable,
  printableLines,
  storable,
  withFullStop,
} from '../../../src/platform/text.ts'

describe('a text from outside', () => {
  it.each([
    ['\u001B[31m', '\\u{1b}[31m'],
    ['a\nb', 'a\\u{a}b'],
    ['\u202Egnp.exe', '\\u{202e}gnp.exe'],
    ['\u2028\u2029', '\\u{2028}\\u{2029}'],
    ['\uD800', '\\u{d800}'],
    ['Größe 留守番電話 🎙', 'Größe 留守番電話 🎙'],
  ])('cannot move the cursor or hide text: %j', (text, shown) => {
    expect(printable(text)).toBe(shown)
  })

  it('keeps its line breaks where it has lines', () => {
    expect(printableLines('a\tb\nc')).toBe('a\\u{9}b\nc')
  })

  it('has the escapes of JSON for characters that cannot be stored, or are not in ASCII', () => {
    expect(storable('a\0\n\uDFFF🎙é')).toBe('a\\u0000\\u000a\\udfff🎙é')
    expect(asciiText('a é 🎙~\u007F')).toBe('a \\u00e9 \\ud83c\\udf99~\\u007f')
  })
})

it('ends as a sentence once', () => {
  expect(['a', 'a.', 'a!', 'a?', 'a. b'].map(withFullStop)).toEqual(['a.', 'a.', 'a!', 'a?', 'a. b.'])
})

it('is blank with white space only', () => {
  expect(['', ' \t\n', '\u0085', '\u00A0'].map(isBlank)).toEqual([true, true, true, true])
  expect(['a', ' a ', '\u0085a'].map(isBlank)).toEqual([false, false, false])
})
