import { Readable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readLines } from '../../../src/platform/read-lines.ts'

describe('the lines of a stream', () => {
  it('are the same for any chunks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.string({ unit: 'grapheme', maxLength: 8 }).filter((line) => !/[\n\uFEFF]/.test(line)),
          { maxLength: 8 },
        ),
        fc.array(fc.nat(40), { maxLength: 8 }),
        async (lines, cuts) => {
          const whole = Buffer.from(lines.map((line) => `${line}\n`).join(''))
          const edges = [
            0,
            ...cuts.filter((cut) => cut < whole.length).toSorted((a, b) => a - b),
            whole.length,
          ]
          const parts = edges.slice(1).map((edge, position) => whole.subarray(edges[position], edge))
          const read = await Array.fromAsync(readLines(Readable.from(parts), 1000))
          expect(read).toEqual(
            lines.map((line, position) => ({ number: position + 1, text: line, cut: false })),
          )
        },
      ),
    )
  })

  it.each<[string, string[], string[]]>([
    ['LF, CRLF and CR', ['a\nb\r\nc\rd'], ['a', 'b', 'c', 'd']],
    ['empty lines', ['\n\r\n\r\r\n'], ['', '', '', '']],
    ['a CRLF that two chunks share', ['a\r', '\nb'], ['a', 'b']],
    ['a CRLF that an empty chunk divides', ['a\r', '', '\nb\r', '', 'c'], ['a', 'b', 'c']],
    ['a CR and an LF in chunks of their own', ['a', '\r', '\n', '\n', 'b'], ['a', '', 'b']],
    ['an LF after an LF at the end of a chunk', ['a\n', '\nb'], ['a', '', 'b']],
    ['a mark at the start, and none elsewhere', ['\uFEFFa\n\uFEFFb'], ['a', '\uFEFFb']],
    ['a mark within the first line', ['a\uFEFF'], ['a\uFEFF']],
    ['no end of the last line', ['a\n', 'b', 'c'], ['a', 'bc']],
    ['nothing', ['', ''], []],
  ])('end with any line break: %s', async (_, chunks, texts) => {
    const stream = Readable.from(chunks.map((chunk) => Buffer.from(chunk)))
    const lines = await Array.fromAsync(readLines(stream, 1000))
    expect(lines).toEqual(texts.map((text, index) => ({ number: index + 1, text, cut: false })))
  })

  it('are cut at the limit, and the next line is complete again', async () => {
    const stream = Readable.from(['abc', 'd\nab\nabcd', 'e'].map((chunk) => Buffer.from(chunk)))
    expect(await Array.fromAsync(readLines(stream, 3))).toEqual([
      { number: 1, text: 'abc', cut: true },
      { number: 2, text: 'ab', cut: false },
      { number: 3, text: 'abc', cut: true },
    ])
  })

  it('are cut at the limit, however long they are', async () => {
    const endless = Readable.from(
      (function* () {
        for (let chunk = 0; chunk < 2000; chunk++) yield Buffer.alloc(65_536, 0x61)
      })(),
    )
    const [line] = await Array.fromAsync(readLines(endless, 2048))
    expect(line?.text.length).toBe(2048)
    expect(line?.cut).toBe(true)
  })
})
