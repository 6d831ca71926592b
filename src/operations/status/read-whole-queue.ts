import { type Kysely, sql } from 'kysely'
import { readStates } from '../../pipeline/queue/status.ts'
import { readPlan } from '../../pipeline/plan/read-plan.ts'
import type { SyncConfig } from '../../platform/config/config.ts'
import type { Database } from '../../platform/postgres/database.ts'

/** Facts of the status page that need all tracked identifiers or all decisions, which can take seconds. */
export type WholeQueue = Awaited<ReturnType<typeof readWholeQueue>>

export async function readWholeQueue(tools: { readonly db: Kysely<Database>; readonly config: SyncConfig }) {
  return {
    tracked: await readStates(tools.db),
    due: await readAges(tools.db),
    plan: await readPlan(tools),
    unexplained: await countUnexplained(tools.db),
  }
}

/** The identifiers that are due, by state and by the time since then. */
async function readAges(db: Kysely<Database>) {
  return db
    .selectFrom('identifai.identifiers')
    .select([
      'state',
      dueFor('0', '1 hour').as('hour'),
      dueFor('1 hour', '1 day').as('day'),
      dueFor('1 day', '100 years').as('longer'),
    ])
    .where('due_at', '<=', sql<Date>`now()`)
    .groupBy('state')
    .orderBy('state')
    .execute()
}

/** Counts the identifiers that have been due for a time between the two. */
function dueFor(from: string, to: string) {
  return sql<number>`count(*) filter (where due_at <= now() - ${from}::interval and due_at > now() - ${to}::interval)`
}

/** Decisions on forced labels that no note explains. */
async function countUnexplained(db: Kysely<Database>): Promise<number> {
  const { rows } = await sql<{ decisions: number }>`
    select count(*) as decisions from identifai_reporting.force_decisions where explanation = 'unexplained'`.execute(
    db,
  )
  return rows[0]?.decisions ?? 0
}
