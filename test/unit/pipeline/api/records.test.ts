import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseRecords, recordDigest } from '../../../../src/pipeline/api/records.ts'

const parsed = (body: string | Buffer, last = new Map<string, string>()) => [
  ...parseRecords(Buffer.from(body), last),
]
const digestsOf = (text: string) => ({ recordDigest: recordDigest(Buffer.from(text)) })

describe('the records of a response', () => {
  it('are read with their bytes, as received, and the digests of these', () => {
    const text = '{"identifier" : "a", "score":1.0, "name":"caf\u00e9"}'
    expect(parsed(` [ ${text} , 7]`)).toEqual([
      {
        kind: 'read',
        value: { identifier: 'a', score: 1, name: 'caf\u00e9' },
        bytes: Buffer.from(text),
        ...digestsOf(text),
      },
      { kind: 'read', value: 7, bytes: Buffer.from('7'), ...digestsOf('7') },
    ])
  })

  it('are not read when the same bytes are known', () => {
    const [same, other] = ['{"identifier":"a"}', '{"identifier": "a"}']
    const known = new Map([[digestsOf(same).recordDigest, 'a']])
    expect(parsed(`[${same},${other}]`, known)).toMatchObject([
      { kind: 'identical', identifier: 'a' },
      { kind: 'read', value: { identifier: 'a' } },
    ])
  })

  it('have a digest of their bytes, and one with the version that reads them', () => {
    const { version } = JSON.parse(
      readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8'),
    ) as {
      version: string
    }
    const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
    expect(digestsOf('{}')).toEqual({
      recordDigest: sha256(`${version} ${sha256('{}')}`),
    })
  })

  it('may follow a byte order mark, but may not begin with one', () => {
    expect(parsed('\uFEFF[7]')).toMatchObject([{ value: 7 }])
    expect(() => parsed('[\uFEFF7]')).toThrow(SyntaxError)
  })

  it.each([
    ['a page', '<html>'],
    ['an array cut short', '[{"identifier":"a"},{"identi'],
    ['one broken element', '[{"identifier":"a"},{"identifier":}]'],
    ['a comma too many', '[7,]'],
    ['text after the array', '[7] 8'],
    ['nothing', ''],
    ['an object', '{}'],
    ['a number', '7'],
    ['null', ' null'],
    ['a text', '"[]"'],
  ])('%s is not a JSON array', (_, body) => {
    expect(() => parsed(body)).toThrow(SyntaxError)
  })

  it('are parsed one after the other, and those before a broken one are returned', () => {
    const records = parseRecords(Buffer.from('[7,{"identifier":}]'), new Map())
    expect(records.next().value).toMatchObject({ value: 7 })
    expect(() => records.next()).toThrow(SyntaxError)
  })

  it('a broken byte is refused at any place, and does not affect the next response', () => {
    for (const body of [Buffer.from([0x5b, 0x22, 0xe9, 0x22, 0x5d]), Buffer.from([0xe9])]) {
      expect(() => parsed(body)).toThrow(body[0] === 0x5b ? TypeError : SyntaxError)
      expect(parsed('["\u00e9"]')).toMatchObject([{ value: '\u00e9' }])
    }
  })
})
