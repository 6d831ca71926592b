import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { readTrackedTotals } from '../../src/pipeline/run/tracked-totals.ts'
import type { BenchDatabase } from './databases.ts'
import { median } from '../median.ts'

const TIMES = 5

/** Seconds that the totals of the ledger take at the end of a pass, and that reading its pages takes alone; medians of five. */
export async function countCost({ db }: BenchDatabase): Promise<{ totals: number; reading: number }> {
  const [totals, reading]: [number[], number[]] = [[], []]
  for (let time = 0; time < TIMES; time++) {
    totals.push(await secondsOf(() => readTrackedTotals(db, randomUUID())))
    reading.push(await secondsOf(() => sql`select count(claim_no) from identifai.identifiers`.execute(db)))
  }
  return { totals: median(totals), reading: median(reading) }
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return (performance.now() - startedAt) / 1000
}
