import { type Kysely, sql } from 'kysely'
import { utcText } from '../../platform/postgres/clock.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { retryDatabase } from '../../platform/postgres/retry-database.ts'
import { isJsonObject, type JsonObject } from '../../platform/json.ts'
import type { DatabaseTime } from '../../platform/time.ts'
import type { ReplayOptions, ReplayTools } from './options.ts'

/** A quarantined identifier, and its unresolved records, the oldest first. */
export interface Quarantined {
  readonly id: number
  readonly media: string
  readonly records: readonly QuarantinedRecord[]
}

/** A record that broke the contract when it was received. */
export interface QuarantinedRecord {
  /** Database clock before its request left, and after it had been received. */
  readonly requestedAt: DatabaseTime
  readonly receivedAt: DatabaseTime
  readonly record: JsonObject
  /** The same as JSON text. */
  readonly text: string
}

/** Identifiers that are in memory together. */
const PAGE = 100

/**
 * Reads quarantined identifiers by id, in pages. Only those whose unresolved evidence is records alone. After a refusal, or a
 * record that PostgreSQL could not store, an older record is not the latest one.
 */
export async function* quarantinedPages(
  { db, logger }: ReplayTools,
  { since, signal }: ReplayOptions,
): AsyncGenerator<Quarantined[]> {
  for (let after = 0; !signal.aborted; ) {
    const ids = await retryDatabase(() => nextQuarantined(db, { since, after }), logger)
    if (ids.length === 0) return
    yield await retryDatabase(() => readRecords(db, ids), logger)
    after = ids.at(-1) ?? after
  }
}

async function nextQuarantined(
  db: Kysely<Database>,
  options: { readonly since: string | null; readonly after: number },
): Promise<number[]> {
  const rows = await openEvidence(db)
    .select('i.id')
    .groupBy('i.id')
    .having(sql<boolean>`bool_and(q.reason = 'invalid_payload')`)
    .$if(options.since !== null, (query) =>
      query.having(sql<boolean>`min(q.received_at) >= ${options.since}::timestamptz`),
    )
    .where('i.id', '>', options.after)
    .orderBy('i.id')
    .limit(PAGE)
    .execute()
  return rows.map(({ id }) => id)
}

async function readRecords(db: Kysely<Database>, ids: readonly number[]): Promise<Quarantined[]> {
  const rows = await openEvidence(db)
    .select([
      'i.id',
      'i.media',
      utcText(sql`q.requested_at`).as('requestedAt'),
      utcText(sql`q.received_at`).as('receivedAt'),
      'q.payload',
    ])
    .where(sql<boolean>`i.id = any(${ids}::bigint[])`)
    .orderBy('i.id')
    .orderBy('q.received_at')
    .orderBy('q.quarantine_id')
    .execute()
  const byId = Map.groupBy(rows, ({ id }) => id)
  return [...byId].map(([id, evidence]) => ({
    id,
    media: evidence[0]?.media ?? '',
    records: evidence.map(({ requestedAt, receivedAt, payload }) => {
      const text = payload ?? 'null'
      return { requestedAt, receivedAt, record: parseRecord(text), text }
    }),
  }))
}

function openEvidence(db: Kysely<Database>) {
  return db
    .selectFrom('identifai.identifiers as i')
    .innerJoin('identifai.quarantined_payloads as q', (join) =>
      join.onRef('q.media', '=', 'i.media').onRef('q.identifier', '=', 'i.identifier'),
    )
    .where('i.state', '=', 'quarantined')
    .where('q.resolved_at', 'is', null)
}

function parseRecord(text: string): JsonObject {
  const record: unknown = JSON.parse(text)
  if (!isJsonObject(record)) throw new TypeError('a quarantined record is an object')
  return record
}
