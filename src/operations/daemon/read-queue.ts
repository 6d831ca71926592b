import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import { PRIORITY } from '../../pipeline/queue/priority.ts'

/** Who asks for it: fresh passes what has no final answer yet or was woken, nightly ones the rest. */
export const DUE_BY = ['fresh', 'nightly'] as const
type DueBy = (typeof DUE_BY)[number]

/** The ledger at one moment, as it is measured. */
export interface QueueReading {
  /** Identifiers by state; states without any are left out. */
  readonly byState: Readonly<Record<string, number>>
  readonly dueBy: Readonly<Record<DueBy, { readonly due: number; readonly oldestDueSeconds: number }>>
  /** Due for longer than a whole night should ever leave anything. */
  readonly overdue: number
  /** Of all that has a result, the confirmation that is longest ago; null when nothing has. */
  readonly oldestConfirmation: Date | null
}

/** One look at the whole ledger; about a fifth of a second for a million identifiers. */
export async function readQueue(db: Kysely<Database>, overdueHours: number): Promise<QueueReading> {
  const isDue = sql<boolean>`due_at <= now()`
  const groups = await db
    .selectFrom('identifai.identifiers')
    .select(({ fn, eb }) => [
      'state',
      eb.case().when('priority', '>=', PRIORITY.bulk).then(DUE_BY[0]).else(DUE_BY[1]).end().as('due_by'),
      fn.countAll<number>().as('identifiers'),
      fn.countAll<number>().filterWhere(isDue).as('due'),
      fn
        .countAll<number>()
        .filterWhere(sql<boolean>`due_at <= now() - make_interval(hours => ${overdueHours})`)
        .as('overdue'),
      sql<
        number | null
      >`extract(epoch from now() - min(due_at) filter (where ${isDue}))::double precision`.as(
        'oldest_due_seconds',
      ),
      fn.min('last_confirmed_at').filterWhere('state', 'in', ['done', 'errored']).as('oldest_confirmation'),
    ])
    .groupBy(['state', 'due_by'])
    .execute()
  const sum = (of: typeof groups, column: 'identifiers' | 'due' | 'overdue') =>
    of.reduce((total, group) => total + group[column], 0)
  const dueByOf = (name: DueBy) => {
    const own = groups.filter(({ due_by }) => due_by === name)
    const ages = own.map(({ oldest_due_seconds: seconds }) => seconds ?? 0)
    return { due: sum(own, 'due'), oldestDueSeconds: Math.max(0, ...ages) }
  }
  const confirmations = groups.flatMap(({ oldest_confirmation: at }) => (at === null ? [] : [Number(at)]))
  return {
    byState: Object.fromEntries(
      [...Map.groupBy(groups, ({ state }) => state)].map(([state, of]) => [state, sum(of, 'identifiers')]),
    ),
    dueBy: { fresh: dueByOf('fresh'), nightly: dueByOf('nightly') },
    overdue: sum(groups, 'overdue'),
    oldestConfirmation: confirmations.length === 0 ? null : new Date(Math.min(...confirmations)),
  }
}
