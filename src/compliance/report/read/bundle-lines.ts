import type { Kysely } from 'kysely'
import { canonicalJson } from '../../../platform/canonical-json.ts'
import { noteName, revisionName } from '../../../pipeline/seal/leaf.ts'
import { createProver, leafHash } from '../../../pipeline/seal/merkle-tree.ts'
import {
  notesBetween,
  revisionsIn,
  type SealedNote,
  type SealedRevision,
  sealedRuns,
} from '../../../pipeline/seal/read-rows.ts'
import type { Database } from '../../../platform/postgres/database.ts'
import { canonicalParts } from '../data-digest.ts'
import { AlteredError } from '../../../platform/errors.ts'
import type { Report } from '../report.ts'
import { BUNDLE_VERSION, type BundleHead, type LeafLine, type RunLine } from './bundle.ts'
import { readLeaves } from './read-leaves.ts'

/** Events whose revisions are read at once. */
const EVENTS_AT_ONCE = 1000

/**
 * A report with its proofs, one JSON document a line: the report, then every run up to the one it is as of, each followed
 * by the leaves of its tree that the report rests on.
 *
 * @throws AlteredError when one of them is not as it was sealed.
 */
export async function* bundleLines(db: Kysely<Database>, report: Report): AsyncGenerator<string> {
  const { generated_at, generated_by, data_digest, ...data } = report
  yield line({
    bundle_version: BUNDLE_VERSION,
    generated_at,
    generated_by,
    data_digest,
    data: [...canonicalParts(data)].join(''),
  })
  const revisions = Map.groupBy(await revisionsOfEvents(db, report), ({ run_id }) => run_id)
  const notes = await notesOfReport(db, report)
  for await (const run of sealedRuns(db, report.head.as_of.chain_position)) {
    yield line({ run: { ...run, row: canonicalJson(run.row) } })
    const firstLater = notes.findIndex(({ note_id }) => note_id > Number(run.row.notes_through))
    const own = notes.splice(0, firstLater === -1 ? notes.length : firstLater)
    yield* leafLines(db, run.chain_position, [
      ...(revisions.get(run.row.run_id) ?? []).map((revision) => ({ revision })),
      ...own.map((note) => ({ note })),
    ])
  }
}

type Proved = { readonly revision: SealedRevision } | { readonly note: SealedNote }

async function* leafLines(
  db: Kysely<Database>,
  position: number,
  proved: readonly Proved[],
): AsyncGenerator<string> {
  if (proved.length === 0) return
  const { hashes, numbers } = await readLeaves(db, position, new Set(proved.map(nameOf)))
  const prove = createProver(hashes)
  for (const row of proved) {
    const leafNo = numbers.get(nameOf(row))
    const text = canonicalJson('note' in row ? row.note : row.revision)
    if (leafNo === undefined || !hashes[leafNo]?.equals(leafHash(text))) throw new AlteredError(nameOf(row))
    const proof = prove(leafNo).map((hash) => hash.toString('hex'))
    yield line({
      leaf: { chain_position: position, leaf_no: leafNo, leaf_count: hashes.length, proof, row: text },
    })
  }
}

/** From the finished revision that had the former label to the one that has the new: nothing can be left out between. */
async function revisionsOfEvents(db: Kysely<Database>, { events }: Report): Promise<SealedRevision[]> {
  const found = new Map<string, SealedRevision>()
  for (let from = 0; from < events.length; from += EVENTS_AT_ONCE) {
    const ranges = events
      .slice(from, from + EVENTS_AT_ONCE)
      .map(({ classification_id, revision_no_before, revision_no }) => ({
        classification_id,
        first: revision_no_before,
        last: revision_no,
      }))
    for (const revision of await revisionsIn(db, ranges)) found.set(nameOf({ revision }), revision)
  }
  return [...found.values()]
}

async function notesOfReport(db: Kysely<Database>, { decisions, head }: Report): Promise<SealedNote[]> {
  const wanted = new Set(decisions.flatMap(({ notes }) => notes.map(({ note_id }) => note_id)))
  if (wanted.size === 0) return []
  const notes = await notesBetween(db, Number.MIN_SAFE_INTEGER, head.as_of.notes_through)
  return notes.filter(({ note_id }) => wanted.has(note_id))
}

function nameOf(row: Proved): string {
  return 'note' in row
    ? noteName(row.note.note_id)
    : revisionName(row.revision.classification_id, row.revision.revision_no)
}

function line(document: BundleHead | RunLine | LeafLine): string {
  return `${JSON.stringify(document)}\n`
}
