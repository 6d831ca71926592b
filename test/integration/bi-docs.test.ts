import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { withAnswers } from '../../scripts/bi-answers.ts'
import { SILENT_TELLER } from '../../scripts/silent-teller.ts'
import { connect } from '../../src/db/connect.ts'
import { runDemo } from '../../src/demo/run-demo.ts'

it('the questions of docs/bi.md have the answers that stand there, on the data of the demo (npm run docs:bi)', async () => {
  const markdown = readFileSync(new URL('../../docs/bi.md', import.meta.url), 'utf8')
  let answered = ''
  await runDemo({
    signal: new AbortController().signal,
    tell: SILENT_TELLER,
    linger: async ({ databaseUrl }) => {
      const { db } = connect({ connectionString: databaseUrl, maxConnections: 1 })
      answered = await withAnswers(db, markdown)
      await db.destroy()
    },
  })
  expect(answered).toBe(markdown)
  expect(markdown.match(/```sql/g)?.length).toBeGreaterThanOrEqual(10)
})
