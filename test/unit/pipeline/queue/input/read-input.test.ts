import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { isInvalid } from '../../../../../src/pipeline/queue/input/entry.ts'
import { type CsvOptions, readCsvEntries } from '../../../../../src/pipeline/queue/input/read-csv.ts'
import { readTextEntries } from '../../../../../src/pipeline/queue/input/read-text.ts'
import { UsageError } from '../../../../../src/platform/errors.ts'

function input(...parts: (string | Buffer)[]): Readable {
  return Readable.from(parts.map((part) => Buffer.from(part)))
}

async function text(...parts: (string | Buffer)[]) {
  return (await Array.fromAsync(readTextEntries(input(...parts)))).map((entry) =>
    isInvalid(entry) ? `${entry.line}: ${entry.reason}` : entry.identifier,
  )
}

async function csv(content: string | Buffer, options: Partial<CsvOptions> = {}) {
  return Array.fromAsync(readCsvEntries(input(content), { withMetadata: true, ...options }))
}

/** Each byte in a chunk of its own. */
function bytes(content: Buffer): Buffer[] {
  return Array.from(content, (byte) => Buffer.from([byte]))
}

describe('a text file of identifiers', () => {
  it('has one a line, taken literally but for surrounding white space', async () => {
    expect(await text('abc\n  "d,e" \nf g\n"h"')).toEqual(['abc', '"d,e"', 'f g', '"h"'])
  })

  it.each([
    ['LF', 'a\nb\n\nc'],
    ['CRLF', 'a\r\nb\r\n\r\nc\r\n'],
    ['CR', 'a\rb\r\rc\r'],
    ['LF, CRLF and CR', 'a\nb\r\n\rc'],
  ])('ends its lines with %s, in chunks of any size', async (_, content) => {
    const expected = ['a', 'b', 'c']
    expect(await text(content)).toEqual(expected)
    expect(await text(...bytes(Buffer.from(content)))).toEqual(expected)
  })

  it.each([
    ['UTF-8', Buffer.from('aé€\nb')],
    ['UTF-8 with a byte order mark', Buffer.from('\uFEFFaé€\nb')],
    ['UTF-16 of little endian', Buffer.from('\uFEFFaé€\nb', 'utf16le')],
    ['UTF-16 of big endian', Buffer.from('\uFEFFaé€\nb', 'utf16le').swap16()],
  ])('is %s, in chunks of any size', async (_, content) => {
    expect(await text(content)).toEqual(['aé€', 'b'])
    expect(await text(...bytes(content))).toEqual(['aé€', 'b'])
  })

  it('names a line that ends in the middle of a character', async () => {
    expect(await text('abc\nd', Buffer.from([0xe2, 0x82]))).toEqual(['abc', '2: not valid UTF-8'])
  })

  it('may be empty, or shorter than a byte order mark', async () => {
    expect(await text('')).toEqual([])
    expect(await text('ab')).toEqual(['ab'])
  })

  it.each([
    [
      'a workbook',
      Buffer.from('PK\u0003\u0004 xl/workbook.xml'),
      /^The input is a spreadsheet, not text\. Save/,
    ],
    ['an old workbook', Buffer.from([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1]), /is a spreadsheet/],
    ['binary data', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]), /^The input is not text\. Give/],
    ['UTF-16 without a mark', Buffer.from('abcd\n', 'utf16le'), /with a byte order mark/],
  ])('is not %s', async (_, content, message) => {
    await expect(text(content)).rejects.toThrow(message)
    await expect(text(content)).rejects.toThrow(UsageError)
  })

  it.each([
    ['a header', 'Identifier,source\na\nb\nc\n'],
    ['a header in quotes', '"upload";"identifier"\n'],
    ['separators in most lines', 'a,x\nb,y\nc\n'],
    ['tabs in every line', 'a\tx\nb\ty\n'],
    ['one line', 'a;2026-07-01'],
    ['many lines', 'a,x\n'.repeat(500)],
  ])('is refused when it appears to be CSV: %s', async (_, content) => {
    await expect(text(content)).rejects.toThrow(
      /^The lines appear to be CSV, so nothing was changed\. .* Add --csv\./s,
    )
  })

  it('may have separators in a few identifiers', async () => {
    expect(await text('a,b\nc\nd\n')).toEqual(['a,b', 'c', 'd'])
    expect(await text(`${'c\n'.repeat(100)}a,b\n`.repeat(2))).toHaveLength(202)
  })

  it('may have blank lines, which are skipped and counted', async () => {
    const entries = await Array.fromAsync(readTextEntries(input('\na\n \t\n\u0085\nb\n\n\n')))
    expect(entries).toMatchObject([
      { line: 2, identifier: 'a' },
      { line: 5, identifier: 'b' },
    ])
  })

  it('names the lines that hold no identifier', async () => {
    const long = 'é'.repeat(512)
    expect(
      await text(`a\n${long}\n${long}x\n`, Buffer.from([0x62, 0xff, 0x0a]), 'c\0d\n', 'e\u0007f\n'),
    ).toEqual([
      'a',
      long,
      '3: longer than 1024 bytes',
      '4: not valid UTF-8',
      '5: holds the character U+0000',
      '6: holds a control character',
    ])
  })

  it('rejects a line with a long run of white space as a whole', async () => {
    expect(await text(`abc${' '.repeat(5000)}def\n`)).toEqual(['1: longer than 1024 bytes'])
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

  it('has the identifiers in a column that can have another name', async () => {
    const content = 'customer,Upload ID,source\n1,id-1,s\n'
    await expect(csv(content)).rejects.toThrow(
      /^The CSV has no column identifier, .* Its columns are: customer, Upload ID, source\. .*--column/,
    )
    expect(await csv(content, { column: 'upload id' })).toEqual([
      { line: 2, identifier: 'id-1', source: 's', submittedAt: null },
    ])
  })

  it('has submitted_at and source in columns that can have other names, and then have to exist', async () => {
    const content = 'identifier;Date;Channel;Customer\na;2026-07-01;calls;K1\n'
    const ignored: string[][] = []
    const onIgnored = (columns: readonly string[]) => ignored.push([...columns])
    expect(
      await csv(content, { submittedAtColumn: 'date', sourceColumn: 'Channel', onIgnored }),
    ).toMatchObject([{ submittedAt: '2026-07-01T00:00:00Z', source: 'calls' }])
    expect(await csv(content, { onIgnored })).toMatchObject([{ submittedAt: null, source: null }])
    expect(ignored).toEqual([['Customer'], ['Date', 'Channel', 'Customer']])
    await expect(csv(content, { submittedAtColumn: 'Time' })).rejects.toThrow(
      /^The CSV has no column Time, .*Name the column of submitted_at with --submitted-at-column\./,
    )
    await expect(csv(content, { sourceColumn: 'source' })).rejects.toThrow(
      /no column source, .*--source-column/,
    )
    await expect(csv(content, { dateFormat: 'DD.MM.YYYY' })).rejects.toThrow(
      /no column submitted_at, .*--submitted-at-column/,
    )
  })

  it('has identifiers only, where the others are not needed', async () => {
    const content = 'identifier,submitted_at,source\na,yesterday,\0\n'
    expect(await csv(content, { withMetadata: false })).toEqual([
      { line: 2, identifier: 'a', submittedAt: null, source: null },
    ])
  })

  it('has the first of two columns with the same name', async () => {
    expect(await csv('identifier,source,identifier,source\na,b,c,d\n')).toMatchObject([
      { identifier: 'a', source: 'b' },
    ])
  })

  it.each([
    ['commas', 'identifier,source\na,"b;c"\n', { source: 'b;c' }],
    ['semicolons', 'source;identifier\n"b,c";a\n', { source: 'b,c' }],
    ['tabs', 'source\tidentifier\nb,c\ta\n', { source: 'b,c' }],
    ['quoted names', '"source";"identifier"\r\n"b";"a"\r\n', { source: 'b' }],
    ['a comma in another name', 'name, first;identifier\nb;a\n', { source: null }],
    ['one column', 'identifier\na\n', { source: null }],
    ['blank lines first', '\n \r\nsource;identifier\nb;a\n', { source: 'b' }],
    ['CR', 'source,identifier\rb,a\r', { source: 'b' }],
  ])('has columns with a detected separator: %s', async (_, content, expected) => {
    expect(await csv(content)).toMatchObject([{ identifier: 'a', ...expected }])
    const utf16 = Buffer.from(`\uFEFF${content}`, 'utf16le')
    expect(await csv(utf16)).toMatchObject([{ identifier: 'a', ...expected }])
  })

  it('has columns with another separator on request', async () => {
    expect(await csv('source|identifier\nb|a\n', { delimiter: '|' })).toMatchObject([
      { identifier: 'a', source: 'b' },
    ])
  })

  it.each([
    ['DD.MM.YYYY', '01.07.2026', '2026-07-01T00:00:00Z'],
    ['DD.MM.YYYY', '1.7.2026 9:05', '2026-07-01T09:05:00Z'],
    ['DD.MM.YYYY', '31.12.2025 23:59:58', '2025-12-31T23:59:58Z'],
    ['DD/MM/YYYY', '01/07/2026', '2026-07-01T00:00:00Z'],
    ['MM/DD/YYYY', '01/07/2026', '2026-01-07T00:00:00Z'],
    ['MM/DD/YYYY', '2026-07-01T10:00Z', '2026-07-01T10:00:00Z'],
  ] as const)('has times of the form %s on request: %s', async (dateFormat, given, expected) => {
    const [entry] = await csv(`identifier,submitted_at\na,${given}\n`, { dateFormat })
    const { submittedAt } = entry as { submittedAt: string }
    expect(new Date(submittedAt)).toEqual(new Date(expected))
  })

  it.each([
    ['DD.MM.YYYY', '31.02.2026'],
    ['DD.MM.YYYY', '01/07/2026'],
    ['MM/DD/YYYY', '13/01/2026'],
    ['DD.MM.YYYY', '01.07.26'],
    ['DD.MM.YYYY', '01.07.2026 25:00'],
  ] as const)('has no time of the form %s in %s', async (dateFormat, given) => {
    expect(await csv(`identifier,submitted_at\na,${given}\n`, { dateFormat })).toEqual([
      {
        line: 2,
        reason: `submitted_at "${given}" is no existing time of the form ${dateFormat}, nor of ISO 8601`,
      },
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
        { line: 2, reason: `submitted_at "${given}" lies before 1970, or more than a day in the future` },
      ])
    },
  )

  it('has local times that are ahead of UTC, and none that are later than these', async () => {
    const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString()
    const content = `identifier,submitted_at\na,${inHours(14)}\nb,${inHours(25)}\n`
    expect(await csv(content)).toMatchObject([{ identifier: 'a' }, { line: 3 }])
  })

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
      {
        line: 2,
        reason: `submitted_at "${given}" is not a time such as 2026-07-01T10:00:00Z (ISO 8601); --date-format allows other forms`,
      },
    ])
  })

  it('names a wrong time by its beginning, as a terminal may show it', async () => {
    const [entry] = await csv(`identifier,submitted_at\na,\u202E${'x'.repeat(100)}\n`)
    expect(entry).toMatchObject({
      reason: expect.stringContaining(`"\\u{202e}${'x'.repeat(39)}" is not a time`),
    })
  })

  it('names blank identifiers by line', async () => {
    expect(await csv('identifier,source\n,s\na,s\n')).toMatchObject([
      { line: 2, reason: 'blank' },
      { identifier: 'a' },
    ])
  })

  it('names a line with more values than columns, and no other', async () => {
    const content = 'identifier,source\na,x,y\nb\nc,z,,\nd,"x,y"\n'
    expect(await csv(content)).toEqual([
      { line: 2, reason: 'has more values than columns: quotes are missing around one with a separator' },
      { line: 3, identifier: 'b', source: null, submittedAt: null },
      { line: 4, identifier: 'c', source: 'z', submittedAt: null },
      { line: 5, identifier: 'd', source: 'x,y', submittedAt: null },
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
    await expect(Array.fromAsync(readCsvEntries(endless, {}))).rejects.toThrow(UsageError)
    expect(endless.destroyed).toBe(true)
  })

  it.each([
    ['identifier,source\na,b\nc,"d\ne\n', /: line 4, column 2: a quote is not closed\. Nothing was changed/],
    [
      'identifier,source\na"b,c\n',
      /: line 2, column 1: a quote is inside a value that does not begin with one\./,
    ],
    ['identifier,source\na,"b"c\n', /: line 2, column 2: text follows a closing quote\./],
    [
      `identifier\na\n${'x'.repeat(1_100_000)}`,
      /: line 3, column 1: the line is longer than a million characters\./,
    ],
  ])('names the line and the column where the text is no longer CSV', async (content, message) => {
    await expect(csv(content)).rejects.toThrow(message)
    await expect(csv(content)).rejects.toThrow(UsageError)
  })
})
