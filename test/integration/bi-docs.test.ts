import { readFileSync } from 'node:fs'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { withAnswers } from '../../scripts/bi-answers.ts'
import { SILENT_TELLER } from '../../scripts/silent-teller.ts'
import { grantReader } from '../../src/access/grant-reader.ts'
import { connect } from '../../src/db/connect.ts'
import { runDemo } from '../../src/demo/run-demo.ts'

it('the questions of docs/bi.md have the answers that stand there, for a role that may read them, on the data of the demo (npm run docs:bi)', async () => {
  const markdown = readFileSync(new URL('../../docs/bi.md', import.meta.url), 'utf8')
  let answered = ''
  await runDemo({
    signal: new AbortController().signal,
    tell: SILENT_TELLER,
    linger: async ({ databaseUrl }) => {
      const owner = connect({ connectionString: databaseUrl, maxConnections: 1 })
      await sql`create role analyst login password 'p'`.execute(owner.db)
      await grantReader(owner.db, 'analyst', { withTables: false })
      await owner.db.destroy()
      const url = new URL(databaseUrl)
      url.username = 'analyst'
      url.password = 'p'
      const analyst = connect({ connectionString: url.href, maxConnections: 1 })
      answered = await withAnswers(analyst.db, markdown)
      await analyst.db.destroy()
    },
  })
  expect(answered).toBe(markdown)
  expect(markdown.match(/```sql/g)?.length).toBeGreaterThanOrEqual(10)
})
