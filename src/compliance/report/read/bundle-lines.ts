import { type Kysely, sql } from 'kysely'
import { readFirstRunId, readRoots } from '../../../pipeline/seal/chain-tree.ts'
import { checkpointText, signedCheckpoint } from '../../../pipeline/seal/checkpoint.ts'
import { leafName } from '../../../pipeline/seal/leaf.ts'
import {
  consistencyRanges,
  createProver,
  inclusionRanges,
  leafHash,
} from '../../../pipeline/seal/merkle-tree.ts'
import {
  notesBetween,
  revisionsIn,
  type SealedNote,
  type SealedRevision,
  sealedRunsAt,
} from '../../../pipeline/seal/read-rows.ts'
import { canonicalJson } from '../../../platform/canonical-json.ts'
import type { JsonObject } from '../../../platform/json.ts'
import { AlteredError, UsageError } from '../../../platform/errors.ts'
import type { Database } from '../../../platform/postgres/database.ts'
import {
  BUNDLE_VERSION,
  type HeadLine,
  type KeptLine,
  type LeafLine,
  rowName,
  type RunLine,
} from '../bundle/lines.ts'
import { canonicalParts } from '../make-report.ts'
import type { AsOf, Report } from '../schema.ts'

/** Events whose revisions one query reads. */
const EVENTS_PAGE = 1000

/** Leaves that the cursor fetches at a time. */
const LEAVES_PAGE = 5000

/**
 * Writes a report with its proofs, one JSON document a line. The report comes first. Each run that it needs follows, with the
 * leaves of its tree that the report rests on. The heads that were kept elsewhere come last.
 *
 * @param keptHeads Heads of the chain (hex), to which the bundle is related by a proof.
 * @throws AlteredError when one of these leaves is not as it was sealed; UsageError when no run has a kept head.
 */
export async function* bundleLines(
  db: Kysely<Database>,
  report: Report,
  keptHeads: readonly string[],
): AsyncGenerator<string> {
  const { generated_at, generated_by, verified: _, data_digest, personal_values, ...data } = report
  const size = report.head.as_of.chain_position
  const kept = await keptLines(db, keptHeads, size)
  const revisions = Map.groupBy(await revisionsOfEvents(db, report), ({ run_id }) => run_id)
  const notes = await notesOfReport(db, report)
  yield line({
    bundle_version: BUNDLE_VERSION,
    generated_at,
    generated_by,
    data_digest,
    data: [...canonicalParts(data)].join(''),
    personal_values,
    checkpoint: await readCheckpoint(db, report.head.as_of),
  })
  const runsOfNotes = await readRunsOfNotes(db, notes)
  const positions = [
    // The first run names the chain.
    1,
    ...(await readPositions(db, [...revisions.keys()])),
    // A note was written after the run before its own.
    ...[...runsOfNotes.keys()].flatMap((position) => [position - 1, position]),
    size,
  ]
  for await (const { chain_position, row } of sealedRunsAt(db, positions)) {
    const roots = await readRoots(db, inclusionRanges(chain_position - 1, size))
    yield line({ run: { chain_position, proof: roots.map(hex), row: canonicalJson(row) } })
    const own = [...(revisions.get(row.run_id) ?? []), ...(runsOfNotes.get(chain_position) ?? [])]
    yield* leafLines(db, chain_position, own)
  }
  for (const head of kept) yield line(head)
}

async function readCheckpoint(db: Kysely<Database>, { chain_position, chain_head }: AsOf): Promise<string> {
  const root = Buffer.from(chain_head, 'hex')
  const checkpoint = checkpointText(await readFirstRunId(db), { size: chain_position, root })
  const row = await db
    .selectFrom('identifai.sync_runs')
    .select('chain_signature')
    .where('chain_position', '=', chain_position)
    .executeTakeFirst()
  return signedCheckpoint(checkpoint, row?.chain_signature ?? null)
}

/** The proofs that relate kept heads to the head at a size. */
async function keptLines(db: Kysely<Database>, heads: readonly string[], size: number): Promise<KeptLine[]> {
  const lines: KeptLine[] = []
  for (const chain_head of new Set(heads)) {
    const run = await db
      .selectFrom('identifai.sync_runs')
      .select('chain_position')
      .where('chain_head', '=', chain_head)
      .executeTakeFirst()
    const chain_position = run?.chain_position
    if (!chain_position) {
      throw new UsageError(
        `The head ${chain_head} is not in the chain of this database.`,
        'Compare it with where it was kept. If it is right, runs were removed or altered: run identifai-sync report verify.',
      )
    }
    const [former, later] = [Math.min(chain_position, size), Math.max(chain_position, size)]
    const roots = await readRoots(db, consistencyRanges(former, later))
    lines.push({ kept: { chain_position, chain_head, proof: roots.map(hex) } })
  }
  return lines
}

/** The positions of runs in the chain. */
async function readPositions(db: Kysely<Database>, runIds: readonly string[]): Promise<number[]> {
  const rows = await db
    .selectFrom('identifai.sync_runs')
    .select('chain_position')
    .where(sql<boolean>`run_id = any(${runIds}::uuid[])`)
    .execute()
  return rows.map(({ chain_position }) => chain_position as number)
}

/** Notes by the position of the run that sealed them. */
async function readRunsOfNotes(
  db: Kysely<Database>,
  notes: readonly SealedNote[],
): Promise<ReadonlyMap<number, SealedNote[]>> {
  if (notes.length === 0) return new Map()
  const rows = await db
    .selectFrom('identifai.sync_runs')
    .select(({ fn }) => ['notes_through', fn.min('chain_position').as('position')])
    .where('chain_position', 'is not', null)
    .groupBy('notes_through')
    .orderBy('notes_through')
    .execute()
  return Map.groupBy(notes, ({ note_id }) =>
    Number(rows.find(({ notes_through }) => Number(notes_through) >= note_id)?.position),
  )
}

async function* leafLines(
  db: Kysely<Database>,
  chain_position: number,
  rows: readonly JsonObject[],
): AsyncGenerator<string> {
  if (rows.length === 0) return
  const { hashes, numbers } = await readLeaves(db, chain_position, new Set(rows.map(rowName)))
  const leaves = rows.map((sealed) => {
    const leaf_no = numbers.get(rowName(sealed))
    const row = canonicalJson(sealed)
    if (leaf_no === undefined || !hashes[leaf_no]?.equals(leafHash(row)))
      throw new AlteredError(rowName(sealed))
    return { leaf_no, row }
  })
  const prove = createProver(hashes)
  for (const { leaf_no, row } of leaves.toSorted((one, other) => one.leaf_no - other.leaf_no)) {
    const proof = prove(leaf_no).map(hex)
    yield line({ leaf: { chain_position, leaf_no, proof, row } })
  }
}

/** The leaves of the tree of one run, in order, and the numbers of the leaves with the given names. */
async function readLeaves(db: Kysely<Database>, position: number, names: ReadonlySet<string>) {
  const hashes: Buffer[] = []
  const numbers = new Map<string, number>()
  const rows = db
    .selectFrom('identifai.chain_leaves')
    .select(['leaf_hash', 'classification_id', 'revision_no', 'note_id', 'action_id'])
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

function hex(hash: Buffer): string {
  return hash.toString('hex')
}

function line(document: HeadLine | RunLine | LeafLine | KeptLine): string {
  return `${JSON.stringify(document)}\n`
}
