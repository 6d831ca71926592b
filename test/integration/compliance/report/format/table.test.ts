import { expect, it } from 'vitest'
import { tableText } from '../../../../../src/compliance/report/format/table.ts'
import { correctedReport } from '../../../../support/corrected-report.ts'
import { createTestDatabase } from '../../../../support/test-database.ts'

it('the table has the decisions and events of the period only, and the author of a note as corrected', async () => {
  await using database = await createTestDatabase()
  const lines = tableText(await correctedReport(database.db)).split('\n')
  expect(lines.filter((line) => /^ +\d+ +(f|id-\d) /.test(line))).toEqual([
    expect.stringMatching(/^ +2 +f .* B$/),
    expect.stringMatching(/^ +2 +id-2 /),
  ])
})
