/** Writes the results of the queries into docs/bi.md, from the demo's data. */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { connect } from '../src/platform/postgres/connect.ts'
import { runDemo } from '../src/devkit/demo/run-demo.ts'
import { withResults } from './bi-results.ts'

const file = path.resolve(import.meta.dirname, '../docs/bi.md')
await runDemo({
  signal: new AbortController().signal,
  print: () => {},
  linger: async ({ databaseUrl }) => {
    const { db } = connect({ connectionString: databaseUrl, maxConnections: 1 })
    writeFileSync(file, await withResults(db, readFileSync(file, 'utf8')))
    await db.destroy()
  },
})
