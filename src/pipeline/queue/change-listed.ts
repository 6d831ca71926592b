import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import type { EntryStream, InvalidEntry } from './input/entry.ts'
import { stageEntries } from './input/stage-entries.ts'

/** Identifiers of a list that a result names; the rest is only counted. */
const NAMED = 100

/** The change of the tracked identifiers of a list. The keys are those of the JSON output. */
export interface ListedChange {
  readonly changed: number
  /** Different identifiers of the list that cannot be changed, and the first of them. */
  readonly unknown_count: number
  readonly unknown: readonly string[]
  readonly invalid: number
  readonly invalid_lines: readonly InvalidEntry[]
}

/** Selects the tracked identifiers of the staged list, in any medium. */
const IS_LISTED = sql<boolean>`identifier in (select identifier from entries)`

/**
 * Changes the tracked identifiers of a list in one transaction, all or none.
 *
 * @param options.isEligible Condition on a tracked identifier that can be changed.
 * @param options.change Changes those for which the condition holds, and returns their number. A dry run does not call it.
 */
export async function changeListed(
  db: Kysely<Database>,
  entries: EntryStream,
  options: {
    readonly isEligible: RawBuilder<boolean>
    readonly change: (db: Kysely<Database>, isChosen: RawBuilder<boolean>) => Promise<number>
    readonly dryRun: boolean
  },
): Promise<ListedChange> {
  const isChosen = sql<boolean>`${IS_LISTED} and ${options.isEligible}`
  return db.transaction().execute(async (trx) => {
    const { valid: _, ...invalid } = await stageEntries(trx, entries)
    const unknown = await readUnknown(trx, options.isEligible)
    const changed = options.dryRun ? await countChosen(trx, isChosen) : await options.change(trx, isChosen)
    return { changed, ...unknown, ...invalid }
  })
}

/** Counts the tracked identifiers for which a condition holds. */
export async function countChosen(db: Kysely<Database>, isChosen: RawBuilder<boolean>): Promise<number> {
  const row = await db
    .selectFrom('identifai.identifiers')
    .select(({ fn }) => fn.countAll<number>().as('n'))
    .where(isChosen)
    .executeTakeFirst()
  return row?.n ?? 0
}

async function readUnknown(db: Kysely<Database>, isEligible: RawBuilder<boolean>) {
  const { rows } = await sql<Pick<ListedChange, 'unknown_count' | 'unknown'>>`
    with unknown as (
      select e.identifier, min(e.line_no) as line_no from entries as e
      where not exists (
        select from identifai.identifiers where identifier = e.identifier and ${isEligible})
      group by e.identifier
    ),
    first as (select * from unknown order by line_no limit ${NAMED})
    select (select count(*) from unknown) as unknown_count,
      coalesce((select array_agg(identifier order by line_no) from first), '{}') as unknown`.execute(db)
  return rows[0] as Pick<ListedChange, 'unknown_count' | 'unknown'>
}
