import { type Kysely, sql } from 'kysely'
import { type DatabaseTime, utcText } from '../db/clock.ts'
import type { Database } from '../db/database.ts'
import { isJsonObject, type JsonObject } from '../json.ts'

/** A record that broke the contract when it came, and nobody has asked again since. */
export interface Quarantined {
  readonly id: number
  readonly identifier: string
  /** Database clock before the request left that brought it. */
  readonly askedAt: DatabaseTime
  /** Database clock when it was put aside, right after it had been received. */
  readonly receivedAt: DatabaseTime
  readonly record: JsonObject
}

/** Records at once in memory. */
const PAGE = 200

export interface QuarantinedOptions {
  readonly media: string
  /** Only what was put aside at this time or later, ISO 8601; everything when null. */
  readonly since: string | null
  readonly signal: AbortSignal
}

/** All quarantined identifiers, by id, with the latest record of each. */
export async function* quarantinedPages(
  db: Kysely<Database>,
  options: QuarantinedOptions,
): AsyncGenerator<Quarantined[]> {
  for (let after = 0; !options.signal.aborted; ) {
    const page = await nextQuarantined(db, options, after)
    if (page.length === 0) return
    yield page
    after = page.at(-1)?.id ?? after
  }
}

async function nextQuarantined(
  db: Kysely<Database>,
  options: QuarantinedOptions,
  after: number,
): Promise<Quarantined[]> {
  const rows = await db
    .selectFrom('identifai.identifiers as i')
    .innerJoin('identifai.quarantined_payloads as q', (join) =>
      join.onRef('q.media', '=', 'i.media').onRef('q.identifier', '=', 'i.identifier'),
    )
    .distinctOn('i.id')
    .select([
      'i.id',
      'i.identifier',
      utcText(sql`i.last_asked_at`).as('askedAt'),
      utcText(sql`q.quarantined_at`).as('receivedAt'),
      'q.payload',
    ])
    .where('i.media', '=', options.media)
    .where('i.state', '=', 'quarantined')
    .where('i.id', '>', after)
    .where('q.reason', '=', 'invalid_payload')
    .where('q.resolved_at', 'is', null)
    .$if(options.since !== null, (query) =>
      query.where('q.quarantined_at', '>=', sql<Date>`${options.since}::timestamptz`),
    )
    .orderBy('i.id')
    .orderBy('q.quarantine_id', 'desc')
    .limit(PAGE)
    .execute()
  return rows.map(({ payload, ...row }) => ({ ...row, record: parseRecord(payload) }))
}

function parseRecord(text: string | null): JsonObject {
  const record: unknown = JSON.parse(text ?? 'null')
  if (!isJsonObject(record)) throw new TypeError('a quarantined record is an object')
  return record
}
