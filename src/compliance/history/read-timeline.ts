import { type Kysely, sql } from 'kysely'
import type { DatabaseTime } from '../../platform/time.ts'
import { utcText } from '../../platform/postgres/clock.ts'
import type { Database } from '../../platform/postgres/database.ts'
import type { AnalysisStatus } from '../../platform/postgres/tables/history.ts'
import type { IdentifierState } from '../../platform/postgres/tables/queue.ts'

/** The history of one identifier. The keys are those of the JSON output. Times are UTC text with six digits. */
export interface Timeline {
  readonly identifier: string
  readonly media: string
  readonly classification_id: number
  readonly state: IdentifierState
  readonly source: string | null
  readonly submitted_at: DatabaseTime | null
  readonly enqueued_at: DatabaseTime
  readonly last_requested_at: DatabaseTime | null
  readonly last_confirmed_at: DatabaseTime | null
  readonly due_at: DatabaseTime | null
  readonly retired_at: DatabaseTime | null
  readonly retired_reason: string | null
  readonly last_error: string | null
  readonly file_hash: string | null
  /** Other tracked identifiers of the same file. */
  readonly same_file_identifiers: readonly string[]
  readonly revisions: readonly TimelineRevision[]
  /** The notes of the organization on the file. */
  readonly notes: readonly TimelineNote[]
}

export interface TimelineRevision {
  readonly revision_no: number
  readonly causes: readonly string[]
  /** Null for the first record. */
  readonly not_before: DatabaseTime | null
  readonly not_after: DatabaseTime
  readonly status: AnalysisStatus
  readonly machine_classification: string | null
  readonly machine_confidence: number | null
  readonly machine_heuristic: string | null
  readonly force_classification: string | null
  readonly file_hash: string | null
  readonly name: string | null
  readonly ref_id: string | null
  readonly result_url: string | null
  readonly api_version: string | null
  readonly content_digest: string
  readonly digest_version: number
  readonly is_payload_stored: boolean
  readonly run_id: string
  /** Null until its run is sealed. */
  readonly chain_position: number | null
}

export interface TimelineNote {
  readonly note_id: number
  readonly noted_at: DatabaseTime
  readonly forced_to: string
  readonly author: string
  readonly reason: string
  readonly ticket: string | null
  readonly reviewer: string | null
}

/**
 * Reads the history of one identifier, or of the classification with a number. Empty when it is not tracked; several when
 * it is tracked in several media.
 */
export async function readTimelines(db: Kysely<Database>, subject: string | number): Promise<Timeline[]> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (trx) => {
      const timelines = []
      for (const row of await readIdentifierRows(trx, subject)) timelines.push(await timelineOf(trx, row))
      return timelines
    })
}

async function timelineOf(
  db: Kysely<Database>,
  { file_hash, ...identifier }: Awaited<ReturnType<typeof readIdentifierRows>>[number],
): Promise<Timeline> {
  const revisions = await readRevisions(db, identifier.classification_id)
  const hash = file_hash ?? revisions.at(-1)?.file_hash ?? null
  const identifiers = hash === null ? [] : await identifiersOfFile(db, hash)
  return {
    ...identifier,
    file_hash: hash,
    same_file_identifiers: identifiers.filter((other) => other !== identifier.identifier),
    revisions,
    notes: hash === null ? [] : await notesOfFile(db, identifier.media, hash),
  }
}

/** The tracked identifiers whose latest record has this file hash, oldest first. */
export async function identifiersOfFile(db: Kysely<Database>, fileHash: string): Promise<string[]> {
  const rows = await db
    .selectFrom('identifai.classifications')
    .select('identifier')
    .where('file_hash', '=', fileHash)
    .orderBy('classification_id')
    .execute()
  return rows.map(({ identifier }) => identifier)
}

async function readIdentifierRows(db: Kysely<Database>, subject: string | number) {
  return db
    .selectFrom('identifai.identifiers as i')
    .leftJoin('identifai.classifications as c', 'c.classification_id', 'i.id')
    .select([
      'i.identifier',
      'i.media',
      'i.id as classification_id',
      'i.state',
      'i.source',
      utcText(sql`i.submitted_at`).as('submitted_at'),
      utcText(sql`i.enqueued_at`).as('enqueued_at'),
      utcText(sql`i.last_requested_at`).as('last_requested_at'),
      utcText(sql`i.last_confirmed_at`).as('last_confirmed_at'),
      utcText(sql`i.due_at`).as('due_at'),
      utcText(sql`i.retired_at`).as('retired_at'),
      'i.retired_reason',
      'i.last_error',
      'c.file_hash',
    ])
    .where((eb) =>
      typeof subject === 'number' ? eb('i.id', '=', subject) : eb('i.identifier', '=', subject),
    )
    .orderBy('i.id')
    .execute()
}

async function readRevisions(db: Kysely<Database>, classificationId: number): Promise<TimelineRevision[]> {
  return db
    .selectFrom('identifai.classification_revisions as r')
    .leftJoin('identifai.sync_runs as s', 's.run_id', 'r.run_id')
    .leftJoin('identifai.revision_payloads as p', (join) =>
      join
        .onRef('p.classification_id', '=', 'r.classification_id')
        .onRef('p.revision_no', '=', 'r.revision_no'),
    )
    .select([
      'r.revision_no',
      'r.causes',
      utcText(sql`r.previous_confirmed_at`).as('not_before'),
      utcText(sql`r.observed_at`).as('not_after'),
      'r.status',
      'r.machine_classification',
      'r.machine_confidence',
      'r.machine_heuristic',
      'r.force_classification',
      'r.file_hash',
      'r.name',
      'r.ref_id',
      'r.result_url',
      'r.api_version',
      'r.content_digest',
      'r.digest_version',
      sql<boolean>`p.revision_no is not null`.as('is_payload_stored'),
      'r.run_id',
      's.chain_position',
    ])
    .where('r.classification_id', '=', classificationId)
    .orderBy('r.revision_no')
    .execute()
}

async function notesOfFile(db: Kysely<Database>, media: string, fileHash: string): Promise<TimelineNote[]> {
  return db
    .selectFrom('identifai.override_notes')
    .select([
      'note_id',
      utcText(sql`noted_at`).as('noted_at'),
      'forced_to',
      'author',
      'reason',
      'ticket',
      'reviewer',
    ])
    .where('media', '=', media)
    .where('file_hash', '=', fileHash)
    .orderBy('note_id')
    .execute()
}
