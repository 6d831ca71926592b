import { type Kysely, sql } from 'kysely'
import type { Database } from '../../../platform/postgres/database.ts'
import type { IdentifierState } from '../../../platform/postgres/tables/queue.ts'
import type { EntryStream } from './read-entries.ts'
import { type Staged, stageEntries } from './enqueue.ts'

/** A list of identifiers compared with the tracked ones. The keys are those of the JSON output. */
export interface Reconciliation extends Omit<Staged, 'valid'> {
  /** Distinct identifiers of the list. */
  readonly listed: number
  readonly tracked: number
  readonly in_both: number
  readonly in_both_by_state: Partial<Record<IdentifierState, number>>
  /** Identifiers of the list that are not tracked. */
  readonly only_in_list: readonly string[]
  /** Tracked identifiers that the list does not have. */
  readonly only_tracked: readonly { readonly identifier: string; readonly state: IdentifierState }[]
}

/** Compares a list with the tracked identifiers of a medium in one snapshot, and changes nothing. */
export async function reconcile(
  db: Kysely<Database>,
  media: string,
  entries: EntryStream,
): Promise<Reconciliation> {
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

async function readBoth(
  db: Kysely<Database>,
  media: string,
): Promise<Partial<Record<IdentifierState, number>>> {
  const rows = await db
    .selectFrom('identifai.identifiers')
    .select(({ fn }) => ['state', fn.countAll<number>().as('identifiers')])
    .where('media', '=', media)
    .where(sql<boolean>`identifier in (select identifier from enqueued_entries)`)
    .groupBy('state')
    .orderBy('state')
    .execute()
  return Object.fromEntries(rows.map(({ state, identifiers }) => [state, identifiers]))
}

async function readOnlyInList(db: Kysely<Database>, media: string): Promise<string[]> {
  const { rows } = await sql<{ identifier: string }>`
    select distinct identifier from enqueued_entries as e
    where not exists (
      select from identifai.identifiers as i where i.media = ${media} and i.identifier = e.identifier)
    order by identifier`.execute(db)
  return rows.map(({ identifier }) => identifier)
}

async function readOnlyTracked(
  db: Kysely<Database>,
  media: string,
): Promise<Reconciliation['only_tracked'][number][]> {
  return db
    .selectFrom('identifai.identifiers as i')
    .select(['identifier', 'state'])
    .where('media', '=', media)
    .where(sql<boolean>`not exists (select from enqueued_entries as e where e.identifier = i.identifier)`)
    .orderBy('identifier')
    .execute()
}
