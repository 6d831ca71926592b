import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import { PRIORITY } from '../queue/priority.ts'

/**
 * Classes of due identifiers, in the order in which a run requests them. A refresh was requested; they were never requested;
 * they were unfinished at the last response; they are finished, and due for a refresh.
 */
export const DUE_CLASSES = ['refresh_request', 'new', 'unfinished', 'refresh'] as const
type DueClass = (typeof DUE_CLASSES)[number]

/** Identifiers of one medium and class. */
export type Counted = Awaited<ReturnType<typeof count>>[number]

export interface DueOptions {
  /** Counts every finished identifier as due. */
  readonly includeFinished: boolean
  /** Most identifiers, those that are requested first; all when undefined. */
  readonly limit: number | undefined
}

/** Counts the identifiers that a run would request now, by medium and class. */
export async function countDue(
  db: Kysely<Database>,
  { includeFinished, limit }: DueOptions,
): Promise<Counted[]> {
  const due = classified(db)
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
  return count(db, due)
}

/** Counts every finished identifier, due or not, by medium and class. */
export async function countFinished(db: Kysely<Database>): Promise<Counted[]> {
  return count(db, classified(db).where('state', 'in', ['done', 'errored']))
}

/** Tracked identifiers, each with the class that it has, or would have, when it is due. */
function classified(db: Kysely<Database>) {
  return db
    .selectFrom('identifai.identifiers')
    .select((eb) => [
      'media',
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
}

async function count(db: Kysely<Database>, identifiers: ReturnType<typeof classified>) {
  return db
    .selectFrom(identifiers.as('identifiers'))
    .select(({ fn }) => [
      'media',
      'class',
      fn.countAll<number>().as('identifiers'),
      // Percent-encoding is not counted.
      fn.sum<number>('bytes').as('nameBytes'),
      // Those of them with a request limit, and the requests that these need.
      fn.count<number>('request_limit').as('limited'),
      sql<number>`coalesce(sum(1.0 / request_limit), 0)::double precision`.as('limitedRequests'),
    ])
    .groupBy(['media', 'class'])
    .execute()
}
