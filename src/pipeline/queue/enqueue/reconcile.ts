import { type Kysely, sql } from 'kysely'
import type { Database } from '../../../platform/postgres/database.ts'
import type { EntryStream } from './read-entries.ts'
import { type StateCounts, stageEntries } from './enqueue.ts'

export type Reconciliation = Awaited<ReturnType<typeof reconcile>>

/**
 * Compares a list with the tracked identifiers of a medium in one snapshot, and changes nothing. The keys of the result are
 * those of the JSON output.
 */
export async function reconcile(db: Kysely<Database>, media: string, entries: EntryStream) {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (trx) => {
      const { valid: _, ...staged } = await stageEntries(trx, entries)
      // Autovacuum does not analyze temporary tables.
      await sql`analyze enqueued_entries`.execute(trx)
      const byState = await readBoth(trx, media)
      const onlyInList = await readOnlyInList(trx, media)
      const onlyTracked = await readOnlyTracked(trx, media)
      const inBoth = Object.values(byState).reduce((sum, number) => sum + number, 0)
      return {
        /** Distinct identifiers of the list. */
        listed: inBoth + onlyInList.length,
        tracked: inBoth + onlyTracked.length,
        in_both: inBoth,
        in_both_by_state: byState,
        only_in_list: onlyInList,
        only_tracked: onlyTracked,
        ...staged,
      }
    })
}

/** Tracked identifiers that the list has, by state. */
async function readBoth(db: Kysely<Database>, media: string) {
  const rows = await db
    .selectFrom('identifai.identifiers')
    .select(({ fn }) => ['state', fn.countAll<number>().as('identifiers')])
    .where('media', '=', media)
    .where(sql<boolean>`identifier in (select identifier from enqueued_entries)`)
    .groupBy('state')
    .orderBy('state')
    .execute()
  return Object.fromEntries(rows.map(({ state, identifiers }) => [state, identifiers])) as StateCounts
}

/** Identifiers of the list that are not tracked. */
async function readOnlyInList(db: Kysely<Database>, media: string): Promise<string[]> {
  const { rows } = await sql<{ identifier: string }>`
    select distinct identifier from enqueued_entries as e
    where not exists (
      select from identifai.identifiers as i where i.media = ${media} and i.identifier = e.identifier)
    order by identifier`.execute(db)
  return rows.map(({ identifier }) => identifier)
}

/** Tracked identifiers that the list does not have. */
async function readOnlyTracked(db: Kysely<Database>, media: string) {
  return db
    .selectFrom('identifai.identifiers as i')
    .select(['identifier', 'state'])
    .where('media', '=', media)
    .where(sql<boolean>`not exists (select from enqueued_entries as e where e.identifier = i.identifier)`)
    .orderBy('identifier')
    .execute()
}
