import { expect, it } from 'vitest'
import { checkClocks } from '../../../../src/operations/doctor/check-database.ts'

it('compares the clocks of the machine and the API with the one of the database', () => {
  const database = new Date('2026-01-01T00:00:00Z')
  const after = (seconds: number) => new Date(+database + seconds * 1000)
  expect(checkClocks({ database, machine: after(1), api: null })).toMatchObject({
    status: 'ok',
    found: 'Compared with the clock of the database, the clock of this machine is 1.0 s ahead.',
  })
  expect(checkClocks({ database, machine: after(0), api: after(-60) })).toMatchObject({
    status: 'warning',
    found: expect.stringContaining('the clock of the API is 60.0 s behind'),
  })
})
