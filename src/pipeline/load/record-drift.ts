import { sql, type Transaction } from 'kysely'
import type { Drift } from '../../media/validation.ts'
import type { Database } from '../../platform/postgres/database.ts'

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
  const rows = countDrift(drift)
  if (rows.length === 0) return
  // One parameter a column, however many rows. Kysely has no word for unnest over several arrays.
  await sql`
    insert into identifai.schema_drift as known (media, path, kind, occurrences, sample)
    select ${media}, * from unnest(
      ${rows.map((row) => row.path)}::text[],
      ${rows.map((row) => row.kind)}::text[],
      ${rows.map((row) => row.occurrences)}::bigint[],
      ${rows.map((row) => row.sample)}::text[])
    on conflict (media, path, kind) do update set
      last_seen_at = now(), occurrences = known.occurrences + excluded.occurrences`.execute(trx)
}

function countDrift(drift: readonly Drift[]) {
  const counted = new Map<
    string,
    { path: string; kind: Drift['kind']; occurrences: number; sample: string }
  >()
  for (const { path, kind, sample } of drift) {
    const cut = path.slice(0, MAX_PATH_CHARACTERS).toWellFormed()
    const key = `${cut} ${kind}`
    const row = counted.get(key)
    if (row) row.occurrences++
    else {
      const text = JSON.stringify(sample).slice(0, MAX_SAMPLE_CHARACTERS).toWellFormed()
      counted.set(key, { path: cut, kind, occurrences: 1, sample: text })
    }
  }
  return [...counted].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)
}
