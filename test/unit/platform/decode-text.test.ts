import { expect, it } from 'vitest'
import { decodeText } from '../../../src/platform/decode-text.ts'

const TEXT = 'name=café, 通話, 😀\n'

it.each([
  ['UTF-8', Buffer.from(TEXT)],
  ['UTF-8 with a byte order mark', Buffer.from(`\uFEFF${TEXT}`)],
  ['UTF-16LE with a byte order mark', Buffer.from(`\uFEFF${TEXT}`, 'utf16le')],
  ['UTF-16BE with a byte order mark', Buffer.from(`\uFEFF${TEXT}`, 'utf16le').swap16()],
])('decodes %s, without the mark', (_, bytes) => {
  expect(decodeText(bytes)).toBe(TEXT)
})

it('decodes an empty text, and a mark alone', () => {
  expect(decodeText(Buffer.alloc(0))).toBe('')
  expect(decodeText(Buffer.from([0xff, 0xfe]))).toBe('')
})

it.each([
  [0xff, 0x41, '\uFFFDA'],
  [0x41, 0xfe, 'A\uFFFD'],
  [0xfe, 0x41, '\uFFFDA'],
  [0x41, 0xff, 'A\uFFFD'],
])('takes half of a byte order mark for UTF-8: %s %s', (first, second, text) => {
  expect(decodeText(Buffer.from([first, second]))).toBe(text)
})
