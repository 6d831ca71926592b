import { type Expression, type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import { readByCursor } from '../../platform/postgres/read-by-cursor.ts'
import type { IdentifierState } from '../../platform/postgres/tables/queue.ts'
import type { InvalidEntry } from './input/entry.ts'
import type { StateCounts } from './enqueue.ts'
import type { EntryStream } from './input/entry.ts'
import { stageEntries } from './input/stage-entries.ts'

/** A list compared with the tracked identifiers. The keys of the figures are those of the JSON output. */
export interface Reconciliation {
  readonly figures: {
    /** Distinct identifiers of the list. */
    readonly listed: number
    readonly tracked: number
    readonly in_both: number
    readonly in_both_by_state: StateCounts
    readonly invalid: number
    /** The first invalid lines. */
    readonly invalid_lines: readonly InvalidEntry[]
  }
  readonly onlyInList: Difference<string>
  readonly onlyTracked: Difference<{ readonly identifier: string; readonly state: IdentifierState }>
}

/** The identifiers of one side. They may be millions, so they are read as they are needed, in the order of the identifiers. */
export interface Difference<Member> {
  readonly count: number
  readonly members: () => AsyncIterable<Member>
}

/**
 * Compares a list with the tracked identifiers of a medium in one snapshot, and changes nothing.
 *
 * @param report Reads the result while the snapshot lasts.
 */
export async function reconcile<T>(
  db: Kysely<Database>,
  { media, entries }: { readonly media: string; readonly entries: EntryStream },
  report: (found: Reconciliation) => Promise<T>,
): Promise<T> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (trx) => {
      const { valid: _, ...staged } = await stageEntries(trx, entries)
      const byState = await readBoth(trx, media)
      const [inList, tracked] = [onlyInList(trx, media), onlyTracked(trx, media)]
      const [onlyListed, others] = [await countOf(trx, inList), await countOf(trx, tracked)]
      const inBoth = Object.values(byState).reduce((sum, number) => sum + number, 0)
      return report({
        figures: {
          listed: inBoth + onlyListed,
          tracked: inBoth + others,
          in_both: inBoth,
          in_both_by_state: byState,
          ...staged,
        },
        onlyInList: { count: onlyListed, members: () => identifiersOf(readByCursor(trx, inList)) },
        onlyTracked: { count: others, members: () => readByCursor(trx, tracked) },
      })
    })
}

async function* identifiersOf(rows: AsyncIterable<{ readonly identifier: string }>): AsyncGenerator<string> {
  for await (const { identifier } of rows) yield identifier
}

/** Tracked identifiers that the list has, by state. */
async function readBoth(db: Kysely<Database>, media: string) {
  const rows = await db
    .selectFrom('identifai.identifiers')
    .select(({ fn }) => ['state', fn.countAll<number>().as('identifiers')])
    .where('media', '=', media)
    .where(sql<boolean>`identifier in (select identifier from entries)`)
    .groupBy('state')
    .orderBy('state')
    .execute()
  return Object.fromEntries(rows.map(({ state, identifiers }) => [state, identifiers])) as StateCounts
}

/** Identifiers of the list that are not tracked. */
function onlyInList(db: Kysely<Database>, media: string) {
  return db
    .selectFrom(sql<{ identifier: string }>`entries`.as('e'))
    .select('e.identifier')
    .distinct()
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('identifai.identifiers as i')
            .select('i.id')
            .where('i.media', '=', media)
            .whereRef('i.identifier', '=', 'e.identifier'),
        ),
      ),
    )
    .orderBy('e.identifier')
}

/** Tracked identifiers that the list does not have. */
function onlyTracked(db: Kysely<Database>, media: string) {
  return db
    .selectFrom('identifai.identifiers as i')
    .select(['identifier', 'state'])
    .where('media', '=', media)
    .where(sql<boolean>`not exists (select from entries as e where e.identifier = i.identifier)`)
    .orderBy('identifier')
}

async function countOf(db: Kysely<Database>, query: Expression<unknown>): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*) as count from (${query}) as counted`.execute(
    db,
  )
  return rows[0]?.count ?? 0
}
