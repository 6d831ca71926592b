import { type Kysely, sql } from 'kysely'
import type { Database } from '../db/database.ts'

/** How many identifiers a pass would ask for now; with `settledToo`, as if every settled one were due. */
export async function countDue(
  db: Kysely<Database>,
  options: { readonly media: string; readonly settledToo: boolean; readonly limit: number },
): Promise<number> {
  const { due } = await db
    .selectFrom('identifai.identifiers')
    .select(({ fn }) => fn.countAll<number>().as('due'))
    .where('media', '=', options.media)
    .where((eb) => eb.or([eb('lease_until', 'is', null), eb('lease_until', '<', sql<Date>`now()`)]))
    .where((eb) => {
      const isDue = eb('due_at', '<=', sql<Date>`now()`)
      return options.settledToo ? eb.or([isDue, eb('state', 'in', ['done', 'errored'])]) : isDue
    })
    .executeTakeFirstOrThrow()
  return Math.min(due, options.limit)
}
