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
