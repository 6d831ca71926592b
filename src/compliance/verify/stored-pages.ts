import { type Kysely, type RawBuilder, sql } from 'kysely'
import { revisionsWithParts } from '../../pipeline/load/read-history.ts'
import type { Rows } from '../../pipeline/replay/differences.ts'
import { readRows } from '../../pipeline/replay/read-stored.ts'
import { utcText } from '../../platform/postgres/clock.ts'
import type { Database } from '../../platform/postgres/database.ts'

/** Classifications that are in memory together. */
const PAGE = 200

/** One classification as it is stored. */
export interface Stored {
  readonly id: number
  readonly rows: Rows
  /** Undefined without history. */
  readonly content: ShownContent | undefined
  readonly identifier: TrackedIdentifier | undefined
}

/**
 * Reads everything that is stored of classifications, page by page, by id, within a transaction. The pages have every row of
 * the data tables, also those of no classification in history.
 */
export async function* storedPages(trx: Kysely<Database>): AsyncGenerator<Stored[]> {
  for (let after = Number.MIN_SAFE_INTEGER; after < Number.MAX_SAFE_INTEGER; ) {
    const [from, through] = [after, await lastOfPage(trx, after)]
    const isWithin = (column: string) =>
      sql<boolean>`${sql.ref(column)} > ${from} and ${sql.ref(column)} <= ${through}`
    yield await readPage(trx, isWithin)
    after = through
  }
}

/** The classification that ends the page after another; the last page has no end. */
async function lastOfPage(trx: Kysely<Database>, after: number): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    (select distinct classification_id as id from identifai.classification_revisions
      where classification_id > ${after} order by id limit ${PAGE})
    union
    (select classification_id from identifai.classifications
      where classification_id > ${after} order by classification_id limit ${PAGE})
    order by id limit ${PAGE}`.execute(trx)
  return rows[PAGE - 1]?.id ?? Number.MAX_SAFE_INTEGER
}

/** @param isWithin The condition that an id, in this column, is on the page. */
async function readPage(
  trx: Kysely<Database>,
  isWithin: (column: string) => RawBuilder<boolean>,
): Promise<Stored[]> {
  const rows = await readRows(trx, isWithin('classification_id'))
  const contents = await readContents(trx, isWithin('r.classification_id'))
  const identifiers = await readIdentifiers(trx, isWithin)
  const ids = new Set([...rows.keys(), ...contents.keys(), ...identifiers.keys()])
  return [...ids]
    .toSorted((one, other) => one - other)
    .map((id) => ({
      id,
      rows: rows.get(id) ?? {},
      content: contents.get(id),
      identifier: identifiers.get(id),
    }))
}

export type ShownContent = Awaited<ReturnType<typeof readContents>> extends Map<number, infer C> ? C : never

/** The content that the data tables show of each classification: the latest finished one, or the latest while none is finished. */
async function readContents(trx: Kysely<Database>, isSelected: RawBuilder<boolean>) {
  const rows = await revisionsWithParts(trx)
    .distinctOn('r.classification_id')
    .select([
      'r.classification_id',
      'r.revision_no',
      utcText(sql`r.observed_at`).as('observed_at'),
      'r.run_id',
      'r.media',
      'r.identifier',
      'r.file_hash',
      'r.status',
      'r.api_version',
      'r.machine_classification',
      'r.machine_confidence',
      'r.machine_heuristic',
      'r.force_classification',
      'v.content_digest',
      'v.digest_version',
      sql<string | null>`p.payload::text`.as('payload'),
    ])
    .where(isSelected)
    .where(sql<boolean>`not 'disappeared' = any(r.causes)`)
    .orderBy('r.classification_id')
    .orderBy(sql`r.status = 'new'`)
    .orderBy('r.revision_no', 'desc')
    .execute()
  return new Map(rows.map((row) => [row.classification_id, row]))
}

type TrackedIdentifier = Awaited<ReturnType<typeof readIdentifiers>> extends Map<number, infer I> ? I : never

/** The identifiers that have a history, or should have one, with their first finished revision. */
async function readIdentifiers(trx: Kysely<Database>, isWithin: (column: string) => RawBuilder<boolean>) {
  const first = await readFirstRevisions(trx, isWithin('r.classification_id'))
  const rows = await trx
    .selectFrom('identifai.identifiers as i')
    .select([
      'i.id',
      'i.media',
      'i.identifier',
      'i.state',
      utcText(sql`i.finished_at`).as('finished_at'),
      sql<string | null>`encode(i.record_digest, 'hex')`.as('record_digest'),
      sql<boolean>`(i.redacted_at is not null) = exists (select from identifai.actions as a
        where a.kind = 'redact' and a.classification_id = i.id)`.as('has_its_redaction'),
    ])
    .where(isWithin('i.id'))
    .where((eb) =>
      eb.or([
        eb('i.state', 'in', ['done', 'errored']),
        eb('i.finished_at', 'is not', null),
        eb('i.redacted_at', 'is not', null),
        sql<boolean>`i.id = any(${[...first.keys()]}::bigint[])`,
      ]),
    )
    .execute()
  return new Map(rows.map((row) => [row.id, { ...row, ...(first.get(row.id) ?? NEVER_FINISHED) }]))
}

const NEVER_FINISHED = { first_finished_at: null, trigger: null }

/** The first finished revision of each classification with a revision. */
async function readFirstRevisions(trx: Kysely<Database>, isSelected: RawBuilder<boolean>) {
  const rows = await trx
    .selectFrom('identifai.classification_revisions as r')
    .distinctOn('r.classification_id')
    .select(['r.classification_id', 'r.status', 'r.run_id', utcText(sql`r.observed_at`).as('observed_at')])
    .where(isSelected)
    .orderBy('r.classification_id')
    .orderBy(sql`r.status = 'new'`)
    .orderBy('r.revision_no')
    .execute()
  const runs = await trx
    .selectFrom('identifai.sync_runs')
    .select(['run_id', 'trigger'])
    .where(sql<boolean>`run_id = any(${[...new Set(rows.map(({ run_id }) => run_id))]}::uuid[])`)
    .execute()
  const triggers = new Map(runs.map(({ run_id, trigger }) => [run_id, trigger]))
  return new Map(
    rows.map(({ classification_id, status, run_id, observed_at }) => {
      const finished = { first_finished_at: observed_at, trigger: triggers.get(run_id) ?? null }
      return [classification_id, status === 'new' ? NEVER_FINISHED : finished]
    }),
  )
}
