/**
 * Times the reporting views over a million classifications.
 *
 * npm run bench:reporting [-- --classifications 1000000 --only clips --plans
 *   --database-url postgresql://… (a migrated database; it is seeded when it has no classification)]
 */
import { parseArgs } from 'node:util'
import { sql } from 'kysely'
import { startEmbeddedPostgres } from '../src/devkit/embedded-postgres/start-embedded-postgres.ts'
import { measureViews } from './views/measure-views.ts'
import { openSeeded } from './views/open-seeded.ts'

const { values } = parseArgs({
  options: {
    classifications: { type: 'string', default: '1000000' },
    'database-url': { type: 'string' },
    only: { type: 'string', default: '' },
    plans: { type: 'boolean', default: false },
  },
})

await using postgres = values['database-url'] === undefined ? await startEmbeddedPostgres() : undefined
const url = values['database-url'] ?? postgres?.url() ?? ''
await using seeded = await openSeeded(url, Number(values.classifications))
const { db } = seeded
let missed = 0
for await (const { view, what, query, milliseconds, barMs } of measureViews(db, (name) =>
  name.includes(values.only),
)) {
  const isMet = milliseconds <= barMs
  if (!isMet) missed++
  console.log(
    `${isMet ? '  ' : '! '}${`${view}, ${what}`.padEnd(60)} ${milliseconds.toFixed(1).padStart(9)} ms (bar ${barMs.toFixed(0)})`,
  )
  if (values.plans) console.log(await planOf(query))
}
console.log(missed === 0 ? 'Every bar is met.' : `${missed} bars are missed.`)

async function planOf(query: string): Promise<string> {
  const { rows } = await sql<{
    'QUERY PLAN': string
  }>`explain (analyze, buffers, costs off) ${sql.raw(query)}`.execute(db)
  return rows.map((row) => row['QUERY PLAN']).join('\n')
}
