import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import { PRIORITY } from '../queue/priority.ts'

/**
 * Why something is due, in the order in which a pass asks: woken by a hash sibling, `requeue` or a requested refresh;
 * never answered yet; unfinished when it was; finished, and asked again all the same.
 */
export const DUE_CLASSES = ['refresh_request', 'new', 'unfinished', 'refresh'] as const
export type DueClass = (typeof DUE_CLASSES)[number]

export interface Counted {
  readonly identifiers: number
  /** Length of their names together; percent-encoding is not counted. */
  readonly nameBytes: number
  /** Those of them that may share a request with few others only, and the requests that these need. */
  readonly limited: number
  readonly limitedRequests: number
}

export interface DueOptions {
  readonly media: string
  /** As if every finished identifier were due. */
  readonly includeFinished: boolean
  /** Identifiers at most, those that are asked first; all when undefined. */
  readonly limit: number | undefined
}

/** What a pass would ask for now, by class. */
export async function countDue(
  db: Kysely<Database>,
  { media, includeFinished, limit }: DueOptions,
): Promise<Map<DueClass, Counted>> {
  const due = db
    .selectFrom('identifai.identifiers')
    .select((eb) => [
      eb
        .case()
        .when(sql<boolean>`refresh_requested_at > coalesce(last_requested_at, '-infinity')`)
        .then(sql<DueClass>`'refresh_request'`)
        .when('last_requested_at', 'is', null)
        .then(sql<DueClass>`'new'`)
        .when('priority', '>', PRIORITY.refresh)
        .then(sql<DueClass>`'unfinished'`)
        .else(sql<DueClass>`'refresh'`)
        .end()
        .as('class'),
      sql<number>`octet_length(identifier)`.as('bytes'),
      'request_limit',
    ])
    .where('media', '=', media)
    .where((eb) => eb.or([eb('lease_until', 'is', null), eb('lease_until', '<', sql<Date>`now()`)]))
    .where((eb) => {
      const isDue = eb('due_at', '<=', sql<Date>`now()`)
      return includeFinished ? eb.or([isDue, eb('state', 'in', ['done', 'errored'])]) : isDue
    })
    .$if(limit !== undefined, (query) =>
      query
        .orderBy('priority', 'desc')
        .orderBy('due_at')
        .orderBy('id')
        .limit(limit as number),
    )
  const rows = await db
    .selectFrom(due.as('due'))
    .select(({ fn }) => [
      'class',
      fn.countAll<number>().as('identifiers'),
      fn.sum<number>('bytes').as('nameBytes'),
      fn.count<number>('request_limit').as('limited'),
      sql<number>`coalesce(sum(1.0 / request_limit), 0)::double precision`.as('limitedRequests'),
    ])
    .groupBy('class')
    .execute()
  return new Map(rows.map(({ class: name, ...counted }) => [name, counted]))
}

/** Every finished identifier, due or not. */
export async function countFinished(db: Kysely<Database>, media: string): Promise<Counted> {
  return db
    .selectFrom('identifai.identifiers')
    .select(({ fn }) => [
      fn.countAll<number>().as('identifiers'),
      fn.coalesce(fn.sum<number>(sql`octet_length(identifier)`), sql<number>`0`).as('nameBytes'),
      fn.count<number>('request_limit').as('limited'),
      sql<number>`coalesce(sum(1.0 / request_limit), 0)::double precision`.as('limitedRequests'),
    ])
    .where('media', '=', media)
    .where('state', 'in', ['done', 'errored'])
    .executeTakeFirstOrThrow()
}
