import { expect, it } from 'vitest'
import { count, counted, durationText, textTable } from '../../../../src/platform/terminal/text.ts'

it('counts with separators, and in the plural unless there is one', () => {
  expect(count(1_234_567)).toBe('1,234,567')
  expect(counted(1, 'identifier')).toBe('1 identifier')
  expect(counted(0, 'identifier')).toBe('0 identifiers')
  expect(counted(2000, 'entry', 'entries')).toBe('2,000 entries')
})

it.each([
  [0, '0 seconds'],
  [0.001, '1 second'],
  [0.75, '45 seconds'],
  [1, '1.0 minutes'],
  [119.9, '119.9 minutes'],
  [120, '2.0 hours'],
  [200, '3.3 hours'],
])('describes a duration of %d minutes as %s', (minutes, text) => {
  expect(durationText(minutes)).toBe(text)
})

it('formats a table with numbers to the right, times to the second, and null as an empty cell', () => {
  const rows = [
    { name: 'a\u202Eb', identifiers: 1234, share: 0.5, at: new Date('2026-07-01T02:00:05.9Z'), ok: true },
    { name: null, identifiers: 5, share: null, at: null, ok: false },
  ]
  expect(textTable(rows, '  ')).toBe(
    [
      '  name        identifiers  share  at                    ok',
      '  ----------  -----------  -----  --------------------  -----',
      String.raw`  a\u{202e}b        1,234    0.5  2026-07-01 02:00:05Z  true`,
      '                        5                               false',
    ].join('\n'),
  )
  expect(textTable([])).toBe('\n')
})
