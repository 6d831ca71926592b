import { sql, type Transaction } from 'kysely'
import type { Drift } from '../contract/validation.ts'
import type { Database } from '../db/database.ts'

const MAX_PATH_CHARACTERS = 500
const MAX_SAMPLE_CHARACTERS = 500

/**
 * Counts signs of drift, one row per path and kind. Workers meet on these rows: they are written in one order, and
 * as the last thing of a transaction, so that none waits long and none for the other.
 */
export async function recordDrift(
  trx: Transaction<Database>,
  media: string,
  drift: readonly Drift[],
): Promise<void> {
  const rows = countDrift(media, drift)
  if (rows.length === 0) return
  await trx
    .insertInto('identifai.schema_drift')
    .values(rows)
    .onConflict((conflict) =>
      conflict.columns(['media', 'path', 'kind']).doUpdateSet((eb) => ({
        last_seen_at: sql<Date>`now()`,
        occurrences: eb('identifai.schema_drift.occurrences', '+', eb.ref('excluded.occurrences')),
      })),
    )
    .execute()
}

function countDrift(media: string, drift: readonly Drift[]) {
  const counted = new Map<
    string,
    { media: string; path: string; kind: Drift['kind']; occurrences: number; sample: string }
  >()
  for (const { path, kind, sample } of drift) {
    const cut = path.slice(0, MAX_PATH_CHARACTERS).toWellFormed()
    const key = `${cut} ${kind}`
    const row = counted.get(key)
    if (row) row.occurrences++
    else {
      const text = JSON.stringify(sample).slice(0, MAX_SAMPLE_CHARACTERS).toWellFormed()
      counted.set(key, { media, path: cut, kind, occurrences: 1, sample: text })
    }
  }
  return [...counted].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)
}
