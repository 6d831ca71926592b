import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseRecords, recordDigest } from '../../../../src/pipeline/api/records.ts'

const NOTHING = new Map<string, string>()

describe('the records of a response', () => {
  it('are read with their text, as received, and its digest', () => {
    const text = '{"identifier" : "a", "score":1.0, "name":"caf\u00e9"}'
    expect(parseRecords(Buffer.from(` [ ${text} , 7]`), NOTHING)).toEqual([
      {
        kind: 'read',
        value: { identifier: 'a', score: 1, name: 'caf\u00e9' },
        text,
        digest: recordDigest(text),
      },
      { kind: 'read', value: 7, text: '7', digest: recordDigest('7') },
    ])
  })

  it('are not read when the same bytes are known', () => {
    const [same, other] = ['{"identifier":"a"}', '{"identifier": "a"}']
    const known = new Map([[recordDigest(same), 'a']])
    expect(parseRecords(Buffer.from(`[${same},${other}]`), known)).toMatchObject([
      { kind: 'identical', identifier: 'a' },
      { kind: 'read', value: { identifier: 'a' } },
    ])
  })

  it('have a digest of their bytes and of the version that reads them', () => {
    const { version } = JSON.parse(
      readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8'),
    ) as {
      version: string
    }
    expect(recordDigest('{}')).toBe(createHash('sha256').update(`${version} {}`).digest('hex'))
  })

  it('may follow a byte order mark, but may not begin with one', () => {
    expect(parseRecords(Buffer.from('\uFEFF[7]'), NOTHING)).toMatchObject([{ value: 7 }])
    expect(() => parseRecords(Buffer.from('[\uFEFF7]'), NOTHING)).toThrow(SyntaxError)
  })

  it.each([
    ['a page', '<html>'],
    ['an array cut short', '[{"identifier":"a"},{"identi'],
    ['one broken element', '[{"identifier":"a"},{"identifier":}]'],
    ['a comma too many', '[7,]'],
    ['text after the array', '[7] 8'],
    ['nothing', ''],
  ])('%s is not JSON', (_, body) => {
    expect(() => parseRecords(Buffer.from(body), NOTHING)).toThrow(SyntaxError)
  })

  it('a broken byte is refused at any place, and does not affect the next response', () => {
    for (const body of [Buffer.from([0x5b, 0x22, 0xe9, 0x22, 0x5d]), Buffer.from([0xe9])]) {
      expect(() => parseRecords(body, NOTHING)).toThrow(TypeError)
      expect(parseRecords(Buffer.from('["\u00e9"]'), NOTHING)).toMatchObject([{ value: '\u00e9' }])
    }
  })

  it.each(['{}', '7', ' null', '"[]"'])('%s is JSON, but no array', (body) => {
    expect(parseRecords(Buffer.from(body), NOTHING)).toBeUndefined()
  })
})
