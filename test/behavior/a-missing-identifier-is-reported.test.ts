import { expect, it } from 'vitest'
import { startCannedApi } from '../support/canned-api.ts'
import { createTestApp } from '../support/test-app.ts'

const known = Array.from({ length: 50 }, (_, n) => ({
  identifier: `id-${n}`,
  hash: `hash-${n}`,
  status: 'done',
}))

it.each([
  ['leaves unknown ones out', 'missing'],
  ['refuses unknown ones', 'quarantined'],
] as const)(
  'where the API %s, an identifier that is %s for good says so when it is the hash of a known file',
  async (behavior, state) => {
    await using api = await startCannedApi((asked, response) => {
      const found = known.filter(({ identifier }) => asked.includes(identifier))
      if (behavior === 'leaves unknown ones out' || found.length === asked.length) return found
      response.statusCode = 404
      response.end('{"message": "Not Found."}')
      return undefined
    })
    const lines: string[] = []
    await using bench = await createTestApp({
      environment: { IDENTIFAI_API_URL: api.url },
      onLogLine: (line) => lines.push(line),
    })
    await bench.enqueue([...known.map(({ identifier }) => identifier), 'hash-7', 'nobody'])
    for (let run = 0; run < 5; run++) {
      await bench.run()
      await bench.makeAllDue()
    }
    const rows = await bench.app.db
      .selectFrom('identifai.identifiers')
      .select(['identifier', 'last_error'])
      .where('state', '=', state)
      .orderBy('id')
      .execute()
    expect(rows.map(({ identifier }) => identifier)).toEqual(['hash-7', 'nobody'])
    expect(rows[0]?.last_error).toMatch(/It equals the hash of a file .* instead of the identifier\.$/)
    expect(rows[1]?.last_error).not.toContain('hash')
    const told = lines.filter((line) => line.includes('identifiers became missing'))
    expect(told.map((line) => (JSON.parse(line) as { missing: number }).missing)).toEqual(
      state === 'missing' ? [2] : [],
    )
  },
)
