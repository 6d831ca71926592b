import type { Kysely } from 'kysely'
import { leafName } from '../../../pipeline/seal/leaf.ts'
import { createProver, leafHash } from '../../../pipeline/seal/merkle-tree.ts'
import {
  notesBetween,
  revisionsIn,
  type SealedNote,
  type SealedRevision,
  sealedRuns,
} from '../../../pipeline/seal/read-rows.ts'
import { canonicalJson } from '../../../platform/canonical-json.ts'
import type { JsonObject } from '../../../platform/json.ts'
import { AlteredError } from '../../../platform/errors.ts'
import type { Database } from '../../../platform/postgres/database.ts'
import { BUNDLE_VERSION, type HeadLine, type LeafLine, rowName, type RunLine } from '../bundle/lines.ts'
import { canonicalParts } from '../make-report.ts'
import type { Report } from '../schema.ts'

/** Events whose revisions one query reads. */
const EVENTS_PAGE = 1000

/** Leaves that the cursor fetches at a time. */
const LEAVES_PAGE = 5000

/**
 * Writes a report with its proofs, one JSON document a line. The report comes first, then every run up to its as-of, each
 * followed by the leaves of its tree that the report rests on.
 *
 * @throws AlteredError when one of these leaves is not as it was sealed.
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
    yield* leafLines(db, run.chain_position, [...(revisions.get(run.row.run_id) ?? []), ...own])
  }
}

async function* leafLines(
  db: Kysely<Database>,
  chain_position: number,
  rows: readonly JsonObject[],
): AsyncGenerator<string> {
  if (rows.length === 0) return
  const { hashes, numbers } = await readLeaves(db, chain_position, new Set(rows.map(rowName)))
  const prove = createProver(hashes)
  for (const sealed of rows) {
    const leaf_no = numbers.get(rowName(sealed))
    const row = canonicalJson(sealed)
    if (leaf_no === undefined || !hashes[leaf_no]?.equals(leafHash(row)))
      throw new AlteredError(rowName(sealed))
    const proof = prove(leaf_no).map((hash) => hash.toString('hex'))
    yield line({ leaf: { chain_position, leaf_no, leaf_count: hashes.length, proof, row } })
  }
}

/** The leaves of the tree of one run, in order, and the numbers of the leaves with the given names. */
async function readLeaves(db: Kysely<Database>, position: number, names: ReadonlySet<string>) {
  const hashes: Buffer[] = []
  const numbers = new Map<string, number>()
  const rows = db
    .selectFrom('identifai.chain_leaves')
    .select(['leaf_hash', 'classification_id', 'revision_no', 'note_id'])
    .where('chain_position', '=', position)
    .orderBy('leaf_no')
    .stream(LEAVES_PAGE)
  for await (const { leaf_hash, ...key } of rows) {
    const name = leafName(key)
    if (names.has(name)) numbers.set(name, hashes.length)
    hashes.push(Buffer.from(leaf_hash, 'hex'))
  }
  return { hashes, numbers }
}

/**
 * The revisions of each event, from the finished one with the former label to the one with the new label. A verifier can
 * check with them that none was left out between.
 */
async function revisionsOfEvents(db: Kysely<Database>, { events }: Report): Promise<SealedRevision[]> {
  const revisions = new Map<string, SealedRevision>()
  for (let from = 0; from < events.length; from += EVENTS_PAGE) {
    const ranges = events
      .slice(from, from + EVENTS_PAGE)
      .map(({ classification_id, revision_no_before, revision_no }) => ({
        classification_id,
        first: revision_no_before,
        last: revision_no,
      }))
    for (const revision of await revisionsIn(db, ranges)) revisions.set(rowName(revision), revision)
  }
  return [...revisions.values()]
}

async function notesOfReport(db: Kysely<Database>, { decisions, head }: Report): Promise<SealedNote[]> {
  const ids = new Set(decisions.flatMap(({ notes }) => notes.map(({ note_id }) => note_id)))
  if (ids.size === 0) return []
  const notes = await notesBetween(db, Number.MIN_SAFE_INTEGER, head.as_of.notes_through)
  return notes.filter(({ note_id }) => ids.has(note_id))
}

function line(document: HeadLine | RunLine | LeafLine): string {
  return `${JSON.stringify(document)}\n`
}
