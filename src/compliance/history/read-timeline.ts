import { type Kysely, sql } from 'kysely'
import { revisionsWithParts } from '../../pipeline/load/read-history.ts'
import type { DatabaseTime } from '../../platform/time.ts'
import { utcText } from '../../platform/postgres/clock.ts'
import type { Database } from '../../platform/postgres/database.ts'

/** The history of one identifier. The keys are those of the JSON output. Times are UTC text with six digits. */
export type Timeline = Awaited<ReturnType<typeof readTimelines>>[number]

/**
 * Reads the history of one identifier, or of the classification with a number. Empty when it is not tracked; several when
 * it is tracked in several media.
 */
export async function readTimelines(db: Kysely<Database>, subject: string | number) {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (trx) => {
      const timelines: Awaited<ReturnType<typeof timelineOf>>[] = []
      for (const row of await readIdentifierRows(trx, subject)) timelines.push(await timelineOf(trx, row))
      return timelines
    })
}

async function timelineOf(
  db: Kysely<Database>,
  { file_hash, ...identifier }: Awaited<ReturnType<typeof readIdentifierRows>>[number],
) {
  const revisions = await readRevisions(db, identifier.classification_id)
  const hash = file_hash ?? revisions.at(-1)?.file_hash ?? null
  const identifiers = hash === null ? [] : await identifiersOfFile(db, hash, identifier.media)
  return {
    ...identifier,
    file_hash: hash,
    same_file_identifiers: identifiers.filter((other) => other !== identifier.identifier),
    revisions,
    notes: hash === null ? [] : await notesOfFile(db, identifier.media, hash),
  }
}

/** The tracked identifiers whose latest record has this file hash, oldest first; of all media when none is given. */
export async function identifiersOfFile(
  db: Kysely<Database>,
  fileHash: string,
  media?: string,
): Promise<string[]> {
  const rows = await db
    .selectFrom('identifai.classifications')
    .select('identifier')
    .where('file_hash', '=', fileHash)
    .$if(media !== undefined, (query) => query.where('media', '=', String(media)))
    .orderBy('classification_id')
    .execute()
  return rows.map(({ identifier }) => identifier)
}

async function readIdentifierRows(db: Kysely<Database>, subject: string | number) {
  return db
    .selectFrom('identifai.identifiers as i')
    .leftJoin('identifai.classifications as c', 'c.classification_id', 'i.id')
    .select(['i.identifier', 'i.media', 'i.id as classification_id', 'i.state', 'i.source'])
    .select(IDENTIFIER_TIMES.map((name) => timeOrNull(`i.${name}`).as(name)))
    .select(['i.retired_reason', 'i.last_error', 'c.file_hash'])
    .where((eb) =>
      typeof subject === 'number' ? eb('i.id', '=', subject) : eb('i.identifier', '=', subject),
    )
    .orderBy('i.id')
    .execute()
}

const IDENTIFIER_TIMES = [
  'submitted_at',
  'enqueued_at',
  'last_requested_at',
  'last_confirmed_at',
  'due_at',
  'retired_at',
] as const

function timeOrNull(column: string) {
  return utcText(sql.ref(column)).$castTo<DatabaseTime | null>()
}

async function readRevisions(db: Kysely<Database>, classificationId: number) {
  return revisionsWithParts(db)
    .leftJoin('identifai.sync_runs as s', 's.run_id', 'r.run_id')
    .select(['r.revision_no', 'r.causes', timeOrNull('r.previous_confirmed_at').as('not_before')])
    .select([utcText(sql`r.observed_at`).as('not_after'), 'r.status', 'r.machine_classification'])
    .select(['r.machine_confidence', 'r.machine_heuristic', 'r.force_classification', 'r.file_hash'])
    .select(['v.name', 'v.ref_id', 'v.result_url', 'r.api_version', 'v.content_digest', 'v.digest_version'])
    .select([sql<boolean>`p.revision_no is not null`.as('is_payload_stored'), 'r.run_id', 's.chain_position'])
    .where('r.classification_id', '=', classificationId)
    .orderBy('r.revision_no')
    .execute()
}

async function notesOfFile(db: Kysely<Database>, media: string, fileHash: string) {
  return db
    .selectFrom('identifai.override_notes')
    .select(['note_id', utcText(sql`noted_at`).as('noted_at')])
    .select(['forced_to', 'author', 'reason', 'ticket', 'reviewer', 'corrects'])
    .where('media', '=', media)
    .where('file_hash', '=', fileHash)
    .orderBy('note_id')
    .execute()
}
