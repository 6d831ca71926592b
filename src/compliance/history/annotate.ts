import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import type { Row } from '../../platform/postgres/table.ts'
import type { OVERRIDE_NOTES } from '../../platform/postgres/tables/history.ts'
import { UsageError } from '../../platform/errors.ts'
import { groupDecisions } from '../report/decisions.ts'
import { readEvents } from '../report/read/read-events.ts'

/** A note on an override of a file; `forced_to` is `none` when the force was removed. */
type NewNote = Omit<Row<typeof OVERRIDE_NOTES>, 'note_id' | 'noted_at'>

/** A note as it was given. A correction has the file and the label of the note that it corrects. */
export type GivenNote = Pick<NewNote, 'media' | 'author' | 'reason' | 'ticket' | 'reviewer'> &
  (Pick<NewNote, 'file_hash' | 'forced_to'> | { readonly corrects: number })

export type Noted = Awaited<ReturnType<typeof write>>

interface Options {
  /** Also for a file that is not tracked, or was never forced to this label. */
  readonly allowsUnknown?: boolean
  /** Determines the result, and writes nothing. */
  readonly isDryRun?: boolean
}

/**
 * Adds notes on who overrode a file, and why; all or none. A note cannot be changed later, only corrected by another. Waits for
 * a run that is being sealed. The keys of the result are those of the JSON output.
 *
 * @throws UsageError with all problems, because a note stays forever. The hash is an identifier, or no hash, or the file was
 * never forced to this label. Or the note to correct does not exist.
 */
export async function annotate(
  db: Kysely<Database>,
  given: readonly (GivenNote & { readonly line?: number })[],
  options: Options = {},
): Promise<Noted[]> {
  return db.transaction().execute(async (trx) => {
    const decisions = await readDecisions(trx, given)
    const noted: Noted[] = []
    const problems: { readonly line: number | undefined; readonly error: UsageError }[] = []
    for (const { line, ...note } of given) {
      try {
        noted.push(await write(trx, await resolve(trx, note), decisions, options))
      } catch (error) {
        if (!(error instanceof UsageError)) throw error
        problems.push({ line, error })
      }
    }
    const [first] = problems
    if (first?.line !== undefined) {
      throw new UsageError(
        `${problems.length} of ${given.length} notes cannot be written, so none was:\n${problems.map(({ line, error }) => `  line ${line}: ${error.message}`).join('\n')}`,
        'Correct these lines.',
      )
    }
    if (first) throw first.error
    return noted
  })
}

/** The decisions on the files and labels of each medium, as a report of all sealed runs has them. */
async function readDecisions(db: Kysely<Database>, given: readonly GivenNote[]) {
  const decisions = new Map<string, ReturnType<typeof groupDecisions>>()
  for (const media of new Set(given.map((note) => note.media))) {
    const events = await readEvents(db, { media, position: LAST_POSITION })
    const ofMedia = Map.groupBy(groupDecisions(events), (group) =>
      subjectOf({ media, file_hash: group.file_hash, forced_to: group.forced_to ?? 'none' }),
    )
    for (const [subject, groups] of ofMedia) decisions.set(subject, groups)
  }
  return decisions
}

function subjectOf({
  media,
  file_hash,
  forced_to,
}: Record<'media' | 'forced_to', string> & { file_hash: string | null }) {
  return JSON.stringify([media, file_hash, forced_to])
}

/** Every position of the chain is at most this one. */
const LAST_POSITION = 2 ** 31 - 1

/** Gives a correction the file and the label of the note that it corrects. */
async function resolve(db: Kysely<Database>, given: GivenNote): Promise<NewNote> {
  if (!('corrects' in given)) return { ...given, corrects: null }
  const corrected = await db
    .selectFrom('identifai.override_notes')
    .select(['media', 'file_hash', 'forced_to'])
    .where('note_id', '=', given.corrects)
    .executeTakeFirst()
  if (corrected) return { ...given, ...corrected }
  throw new UsageError(
    `There is no note ${given.corrects}, so nothing was written.`,
    'Correct the number. identifai-sync explain <identifier> lists the notes on its file.',
  )
}

async function write(
  db: Kysely<Database>,
  note: NewNote,
  decisions: Awaited<ReturnType<typeof readDecisions>>,
  { allowsUnknown = false, isDryRun = false }: Options,
) {
  const { file_hash, forced_to, corrects } = note
  const file = await readFile(db, note)
  const latest = decisions.get(subjectOf(note))?.at(-1)
  if (corrects === null) {
    if (file.tracked === 0) {
      await refuseIdentifier(db, note)
      refuseOtherThanHash(file_hash)
    }
    if (latest === undefined && !allowsUnknown) await refuseUnforced(db, note, file.tracked)
  }
  const inserted = isDryRun
    ? undefined
    : await db
        .insertInto('identifai.override_notes')
        .values(note)
        .returning(['note_id', 'corrects'])
        .executeTakeFirstOrThrow()
  return {
    /** Null in a dry run. */
    note_id: inserted?.note_id ?? null,
    /** The first note that it corrects, directly or not; null for none. */
    corrects: inserted ? inserted.corrects : corrects,
    file_hash,
    forced_to,
    ...file,
    /** The decision that a new note explains in a report of the runs so far; null for none, and for a correction. */
    explains:
      latest === undefined || corrects !== null
        ? null
        : {
            not_before: latest.not_before,
            not_after: latest.not_after,
            identifiers: latest.events.length,
          },
  }
}

async function readFile(db: Kysely<Database>, { media, file_hash, forced_to }: NewNote) {
  return db
    .selectFrom('identifai.classifications')
    .select(({ fn }) => [
      fn.countAll<number>().as('tracked'),
      // Identifiers whose forced label is that of the note at this moment.
      sql<number>`count(*) filter (where coalesce(force_classification, 'none') = ${forced_to})`.as(
        'matching',
      ),
    ])
    .where('media', '=', media)
    .where('file_hash', '=', file_hash)
    .executeTakeFirstOrThrow()
}

/** Throws unless the file ever had this label, also in its first record, which is no decision. */
async function refuseUnforced(
  db: Kysely<Database>,
  { media, file_hash, forced_to }: NewNote,
  tracked: number,
): Promise<void> {
  if (tracked === 0) {
    throw new UsageError(
      `No tracked identifier has the file hash ${file_hash}, so no note was written.`,
      'Correct the hash. If the file will be tracked later, add --unknown.',
    )
  }
  const known = await db
    .selectFrom('identifai.classification_revisions')
    .select('classification_id')
    .where('media', '=', media)
    .where('file_hash', '=', file_hash)
    .where('force_classification', '=', forced_to)
    .executeTakeFirst()
  if (known) return
  throw new UsageError(
    forced_to === 'none'
      ? 'No forced label of this file was ever removed, so no note was written.'
      : `This file was never forced to ${forced_to}, so no note was written.`,
    'Correct --forced-to. If the next run will observe the change, wait for it, or add --unknown.',
  )
}

function refuseOtherThanHash(text: string): void {
  if (/^[0-9a-f]{64}$/.test(text)) return
  throw new UsageError(
    `${text} is neither the hash of a tracked file nor a SHA-256 (64 hexadecimal digits).`,
    'Give the complete hash. Reports in HTML and JSON have it.',
  )
}

async function refuseIdentifier(db: Kysely<Database>, { media, file_hash }: NewNote): Promise<void> {
  const known = await db
    .selectFrom('identifai.identifiers as i')
    .leftJoin('identifai.classifications as c', 'c.classification_id', 'i.id')
    .select('c.file_hash')
    .where('i.media', '=', media)
    .where('i.identifier', '=', file_hash)
    .executeTakeFirst()
  if (!known) return
  throw new UsageError(
    `${file_hash} is an identifier, but an override applies to a file.`,
    `Give the hash of the file with --hash: ${known.file_hash ?? 'it is not known yet'}.`,
  )
}
