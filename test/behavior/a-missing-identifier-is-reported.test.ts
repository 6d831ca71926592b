import { expect, it } from 'vitest'
import { startCannedApi } from '../support/canned-api.ts'
import { createTestApp } from '../support/test-app.ts'

const known = Array.from({ length: 50 }, (_, n) => ({
  identifier: `id-${n}`,
  hash: `hash-${n}`,
  status: 'done',
}))

it.each(['leaves out unknown identifiers', 'refuses unknown identifiers'] as const)(
  'an API that %s makes an identifier missing, and its error names the mistake when it is the hash of a known file',
  async (behavior) => {
    await using api = await startCannedApi((requested, response) => {
      const found = known.filter(({ identifier }) => requested.includes(identifier))
      if (behavior === 'leaves out unknown identifiers' || found.length === requested.length) return found
      response.statusCode = 404
      response.end('{"message": "Not Found."}')
      return undefined
    })
    const lines: string[] = []
    await using bench = await createTestApp({
      environment: { IDENTIFAI_API_URL: api.url },
      onLogLine: (line) => lines.push(line),
    })
    await bench.enqueue([...known.map(({ identifier }) => identifier), 'hash-7', 'unknown'])
    for (let run = 0; run < 5; run++) {
      await bench.run()
      await bench.makeAllDue()
    }
    const rows = await bench.app.db
      .selectFrom('identifai.identifiers')
      .select(['identifier', 'last_error'])
      .where('state', '=', 'missing')
      .orderBy('id')
      .execute()
    expect(rows.map(({ identifier }) => identifier)).toEqual(['hash-7', 'unknown'])
    expect(rows[0]?.last_error).toMatch(/It equals the hash of a file .* instead of the identifier\.$/)
    expect(rows[1]?.last_error).not.toContain('hash')
    const warnings = lines.filter((line) => line.includes('identifiers became missing'))
    const missing = warnings.map((line) => (JSON.parse(line) as { missing: number }).missing)
    expect(missing.reduce((sum, number) => sum + number, 0)).toBe(2)
  },
)
