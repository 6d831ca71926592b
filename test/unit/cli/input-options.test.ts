import { expect, it } from 'vitest'
import { describeInvalid } from '../../../src/cli/input-options.ts'

it('the invalid lines of an input are listed, with the number of those that are not', () => {
  const invalid_lines = [{ line: 2, reason: 'longer than 1024 bytes' }]
  const listed = '  line 2: longer than 1024 bytes'
  expect(describeInvalid({ invalid: 1, invalid_lines })).toEqual([listed])
  expect(describeInvalid({ invalid: 1235, invalid_lines })).toEqual([listed, '  and 1,234 more'])
})
