import { type Kysely, sql } from 'kysely'
import type { Database } from '../../src/platform/postgres/database.ts'
import { READER_SETTINGS } from '../../src/operations/roles/grant.ts'
import { median } from '../median.ts'
import { BAR, viewQueries } from './queries.ts'

/** The time of one query over a view. */
export interface ViewTime {
  readonly view: string
  readonly what: string
  readonly query: string
  readonly milliseconds: number
  /** The same with the settings that grant-reader sets; null for a query over other than the last 30 days. */
  readonly readerMs: number | null
  readonly barMs: number
}

const RUNS = 5

/**
 * Times the queries over the views, with a working memory as analysts have it. Waits for each query, in the order of the list.
 *
 * @param isWanted Selects queries by their name: view, comma, what they count.
 */
export async function* measureViews(
  db: Kysely<Database>,
  isWanted: (name: string) => boolean = () => true,
): AsyncGenerator<ViewTime> {
  await sql`set work_mem = '64MB'`.execute(db)
  const counts = new Map<string, number>()
  for (const { view, what, query, bar } of await viewQueries(db)) {
    if (!isWanted(`${view}, ${what}`)) continue
    if (typeof bar === 'string' && !counts.has(bar)) {
      counts.set(bar, await timeOf(db, `select count(*) from identifai.${bar}`))
    }
    const barMs = typeof bar === 'string' ? 1.5 * (counts.get(bar) ?? Number.NaN) : bar
    const milliseconds = await timeOf(db, query)
    const readerMs = bar === BAR.month ? await timeAsReader(db, query) : null
    yield { view, what, query, milliseconds, readerMs, barMs }
  }
}

async function timeAsReader(db: Kysely<Database>, query: string): Promise<number> {
  for (const setting of READER_SETTINGS) await sql.raw(`set ${setting}`).execute(db)
  const milliseconds = await timeOf(db, query)
  for (const setting of READER_SETTINGS) await sql.raw(`reset ${setting.split(' ')[0]}`).execute(db)
  return milliseconds
}

/** Milliseconds of a query: the median of some runs, after a first run that reads the pages into memory. */
async function timeOf(db: Kysely<Database>, query: string): Promise<number> {
  const times = []
  await sql.raw(query).execute(db)
  for (let run = 0; run < RUNS; run++) {
    const startedAt = performance.now()
    await sql.raw(query).execute(db)
    times.push(performance.now() - startedAt)
  }
  return median(times)
}
