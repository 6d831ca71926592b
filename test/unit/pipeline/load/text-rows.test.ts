import { expect, it } from 'vitest'
import { textRows } from '../../../../src/pipeline/load/text-rows.ts'

it("rows are written in COPY's text format, for any text", () => {
  const row = {
    a: 'tab\t back\\slash new\nline return\r end',
    b: null,
    c: -0.1,
    d: true,
    e: ['x', 'a "b" \\', ''],
    f: '\\N',
  }
  expect(textRows(['a', 'b', 'c', 'd', 'e', 'f'], [row])).toBe(
    'tab\\t back\\\\slash new\\nline return\\r end\t\\N\t-0.1\tt\t{"x","a \\\\"b\\\\" \\\\\\\\",""}\t\\\\N\n',
  )
})

it('columns are written in the order named, and numbers as JavaScript prints them, exactly', () => {
  const rows = [
    { a: 1e21, b: 5e-324 },
    { a: 0.1 + 0.2, b: 2 ** 53 },
  ]
  expect(textRows(['b', 'a'], rows)).toBe('5e-324\t1e+21\n9007199254740992\t0.30000000000000004\n')
})
