import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { isInvalid } from '../../../../../src/pipeline/queue/input/entry.ts'
import { readCsvEntries, readTextEntries } from '../../../../../src/pipeline/queue/input/read-entries.ts'
import { UsageError } from '../../../../../src/platform/errors.ts'

function chunks(...parts: (string | Buffer)[]): Readable {
  return Readable.from(parts.map((part) => Buffer.from(part)))
}

async function text(...parts: (string | Buffer)[]) {
  return (await Array.fromAsync(readTextEntries(chunks(...parts)))).map((entry) =>
    isInvalid(entry) ? `${entry.line}: ${entry.reason}` : entry.identifier,
  )
}

async function csv(...parts: string[]) {
  return Array.fromAsync(readCsvEntries(chunks(...parts)))
}

describe('a text file of identifiers', () => {
  it('has one a line, taken literally but for surrounding white space', async () => {
    expect(await text('abc\r\n  "d,e"\t\nf g\n')).toEqual(['abc', '"d,e"', 'f g'])
  })

  it('may lack the last line break and may start with a byte order mark', async () => {
    expect(await text('\uFEFFabc\nd')).toEqual(['abc', 'd'])
    expect(await text('')).toEqual([])
  })

  it('names the lines that hold no identifier', async () => {
    const long = 'é'.repeat(512)
    expect(
      await text(`a\n\n  \n${long}\n${long}x\n`, Buffer.from([0x62, 0xff, 0x0a]), 'c\0d\n', 'e\tf\n'),
    ).toEqual([
      'a',
      '2: blank',
      '3: blank',
      long,
      '5: longer than 1024 bytes',
      '6: not valid UTF-8',
      '7: holds the character U+0000',
      '8: holds a control character',
    ])
  })

  it('rejects a line with a long run of white space as a whole', async () => {
    expect(await text(`abc${' '.repeat(5000)}def\n`, '\u0085\n')).toEqual([
      '1: longer than 1024 bytes',
      '2: blank',
    ])
  })
})

describe('a CSV file of identifiers', () => {
  it('has the columns identifier, submitted_at and source, in any order', async () => {
    expect(
      await csv('note,Source,identifier,submitted_at\nx,"a, b",id-1,2026-07-01T10:00:00Z\n,,id-2,\n'),
    ).toEqual([
      { line: 2, identifier: 'id-1', source: 'a, b', submittedAt: '2026-07-01T10:00:00Z' },
      { line: 3, identifier: 'id-2', source: null, submittedAt: null },
    ])
  })

  it('takes the first column where none is called identifier', async () => {
    expect(await csv('upload,source\nid-1,s\n')).toEqual([
      { line: 2, identifier: 'id-1', source: 's', submittedAt: null },
    ])
  })

  it.each([
    ['2026-07-01', '2026-07-01T00:00:00.000Z'],
    ['2026-07-01 10:30', '2026-07-01T10:30:00.000Z'],
    ['2026-07-01T10:30:00.250+02:00', '2026-07-01T08:30:00.250Z'],
    ['2026-07-01 10:30:00+02', '2026-07-01T08:30:00.000Z'],
    ['2026-07-01 10:30:00-15:59', '2026-07-02T02:29:00.000Z'],
    ['2026-07-01 10:30:00-0330', '2026-07-01T14:00:00.000Z'],
  ])('reads the time %s as %s', async (given, expected) => {
    const [entry] = await csv(`identifier,submitted_at\na,${given}\n`)
    const { submittedAt } = entry as { submittedAt: string }
    expect(new Date(submittedAt)).toEqual(new Date(expected))
  })

  it.each(['1969-12-31T23:59:59Z', '2100-01-01', '0001-01-01', '9999-12-31', '2099-12-31T23:30-01:00'])(
    'refuses the time %s, which would break the calendars of readers',
    async (given) => {
      expect(await csv(`identifier,submitted_at\na,${given}\n`)).toEqual([
        { line: 2, reason: 'submitted_at lies outside the years 1970 to 2099' },
      ])
    },
  )

  it.each([
    '01/07/2026',
    '0000-01-01',
    'yesterday',
    '2026-02-31',
    '2026-13-01',
    '1751364000',
    // PostgreSQL refuses these zones, and with them the whole statement.
    '2026-07-01T10:00+16:00',
    '2026-07-01T10:00-23:59',
  ])('refuses the time %s', async (given) => {
    expect(await csv(`identifier,submitted_at\na,${given}\n`)).toEqual([
      { line: 2, reason: 'submitted_at is not an ISO 8601 time, such as 2026-07-01T10:00:00Z' },
    ])
  })

  it('names blank identifiers by line', async () => {
    expect(await csv('identifier,source\n,s\na,s\n')).toMatchObject([
      { line: 2, reason: 'blank' },
      { identifier: 'a' },
    ])
  })

  it('names a source that cannot be stored', async () => {
    expect(await csv('identifier,source\na,b\0c\n')).toEqual([
      { line: 2, reason: 'holds the character U+0000' },
    ])
  })

  it('keeps microseconds', async () => {
    const [entry] = await csv('identifier,submitted_at\na,2026-07-01T10:00:00.123456Z\n')
    expect(entry).toMatchObject({ submittedAt: '2026-07-01T10:00:00.123456Z' })
  })

  it('ends on an error although the producer does not end', async () => {
    const endless = new Readable({ read: () => {} })
    endless.push(`identifier\na"b\n${'more\n'.repeat(100)}`)
    await expect(Array.fromAsync(readCsvEntries(endless))).rejects.toThrow(UsageError)
    expect(endless.destroyed).toBe(true)
  })

  it('names the line at which the text is no longer CSV', async () => {
    await expect(csv('identifier\na\n"b\n')).rejects.toThrow(UsageError)
    await expect(csv('identifier\na"b\n')).rejects.toThrow(/line 2/)
  })
})
