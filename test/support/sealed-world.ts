import { type Kysely, sql } from 'kysely'
import { redact } from '../../src/compliance/history/redact.ts'
import type { Draw } from '../../src/devkit/simulator/draw.ts'
import { newRun, openRun } from '../../src/pipeline/run/run-rows.ts'
import { readTrackedTotals } from '../../src/pipeline/run/tracked-totals.ts'
import type { Signer } from '../../src/pipeline/seal/checkpoint.ts'
import { personalCommitment } from '../../src/pipeline/seal/commitment.ts'
import { leavesOfRevisions, lockChain, sealRun } from '../../src/pipeline/seal/seal-run.ts'
import type { Database } from '../../src/platform/postgres/database.ts'
import { type DescribedRevision, writeRevisions } from './seal-history.ts'

type Label = 'human' | 'artificial' | null

const LABELS = [null, 'human', 'artificial'] as const
const MACHINE = [...LABELS, 'synthetic "α" \u2028'] as const
const HEURISTICS = [null, 'Majority', 'Mean', 'αβγ'] as const

interface File {
  readonly hash: string | null
  forced: Label
}

interface Tracked {
  readonly id: number
  readonly file: File
  /** The forced label of the latest finished record. */
  observed: Label
  /** Null before the first finished record. */
  confirmedAt: Date | null
  isUnfinished: boolean
  isRetired: boolean
  revisions: number
}

/** Its note_id is its place in the list of all notes, from 1. */
interface Note {
  readonly file_hash: string
  readonly forced_to: string
  readonly corrects: number | null
  readonly author: string
  readonly ticket: string | null
  readonly noted_at: Date
}

const HOUR = 3_600_000
const TRACKED = 10

/**
 * Seals a random history over some weeks: overrides of files, new analyses, removed forces, notes and their corrections. One
 * identifier is redacted. The product seals the runs, and only the times are not those of the clock.
 */
export async function sealWorld(db: Kysely<Database>, draw: Draw, signer: Signer | null): Promise<void> {
  const files = Array.from(
    { length: 5 },
    (_, n): File => ({ hash: n === 0 ? null : `hash-${n}`, forced: null }),
  )
  const tracked = Array.from({ length: TRACKED }, (_, n): Tracked => {
    const file = files[n] ?? draw.pick(files.slice(1))
    return {
      id: n + 1,
      file,
      observed: null,
      confirmedAt: null,
      isUnfinished: false,
      isRetired: false,
      revisions: 0,
    }
  })
  await sql`insert into identifai.identifiers (identifier, enqueued_at)
    select 'id-' || n, '2026-01-01' from generate_series(1, ${TRACKED}) as n`.execute(db)
  const notes: Note[] = []
  const runs = draw.integer(5, 8)
  for (let run = 0, at = Date.UTC(2026, draw.integer(1, 4), draw.integer(1, 28)); run < runs; run++) {
    const [startedAt, finishedAt] = [new Date(at), new Date(at + HOUR / 6)]
    for (const file of files) if (draw.chance(0.4)) file.forced = draw.pick(LABELS)
    const revisions = tracked.flatMap((one) =>
      revisionsOf(one, { startedAt, isLast: run === runs - 1 }, draw),
    )
    const written = run === 0 ? [] : notesOf(tracked, notes, startedAt, draw)
    notes.push(...written)
    await updateQueue(db, tracked, finishedAt)
    await sealAt(db, { startedAt, finishedAt, revisions, notes: written }, { draw, signer })
    at += draw.integer(20, 220) * HOUR + draw.integer(0, HOUR)
  }
  const because = { reason: 'erasure request 88', author: 'A', media: 'audio', isDryRun: false }
  const erased = `id-${draw.integer(1, TRACKED)}`
  await sql`update identifai.identifiers set state = 'retired', retired_at = now(), retired_reason = 'erasure'
    where identifier = ${erased} and state <> 'retired'`.execute(db)
  await redact(db, erased, because)
}

interface Start {
  readonly startedAt: Date
  readonly isLast: boolean
}

/** The revisions that a run appends for an identifier: mostly none or one. */
function revisionsOf(one: Tracked, { startedAt, isLast }: Start, draw: Draw): DescribedRevision[] {
  // An identifier that was not requested misses a label of its file, or has none yet.
  if (one.isRetired || draw.chance(one.revisions === 0 ? 0.4 : 0.2)) return []
  if (one.revisions > 2 && draw.chance(0.05)) one.isRetired = true
  const observed_at = new Date(startedAt.getTime() + draw.integer(1000, 500_000))
  const isFirst = one.confirmedAt === null
  // An analysis that runs at the end is a gap, so that it would be one of each report.
  if (!isFirst && !isLast && draw.chance(0.1)) {
    one.isUnfinished = true
    return [newRevision(one, observed_at, { status: 'new', causes: ['status_changed'] })]
  }
  const causes = isFirst ? (['first_seen'] as const) : causesOf(one)
  if (causes.length === 0) {
    one.confirmedAt = observed_at
    return []
  }
  const machine = draw.pick(MACHINE)
  const revision = newRevision(one, observed_at, {
    status: draw.chance(0.1) ? 'errored' : 'done',
    causes: [...causes, isFirst && one.file.forced !== null ? 'already_forced' : 'verdict_changed'],
    machine_classification: machine,
    machine_confidence: machine === null ? null : draw.pick([0.9, 1, 0, 1e-7, draw.fraction()]),
    machine_heuristic: draw.pick(HEURISTICS),
    force_classification: one.file.forced,
    submitted_at: draw.chance(0.5) ? startedAt : null,
  })
  Object.assign(one, { observed: one.file.forced, confirmedAt: observed_at, isUnfinished: false })
  return [revision]
}

function causesOf({ observed, file: { forced }, isUnfinished }: Tracked): DescribedRevision['causes'] {
  if (observed === forced) return isUnfinished ? ['status_changed'] : []
  if (observed === null) return ['forced']
  return [forced === null ? 'unforced' : 'force_changed']
}

function newRevision(
  one: Tracked,
  observed_at: Date,
  more: Pick<DescribedRevision, 'causes'> & Partial<DescribedRevision>,
): DescribedRevision {
  one.revisions++
  const values = {
    salt: `${one.id}0${one.revisions}`.padStart(64, 'a'),
    name: `${one.id} "é\u{1F600}\\\u2028\u007F.wav`,
    ref_id: null,
    result_url: `https://dashboard.example/${one.id}`,
    source: '\t',
  }
  return {
    classification_id: one.id,
    revision_no: one.revisions,
    observed_at,
    previous_confirmed_at: one.confirmedAt,
    file_hash: one.file.hash,
    ...values,
    personal_commitment: personalCommitment(values.salt, values),
    ...more,
  }
}

/** Notes on labels that are forced or removed, and corrections of notes. */
function notesOf(tracked: readonly Tracked[], notes: readonly Note[], before: Date, draw: Draw): Note[] {
  return Array.from({ length: draw.integer(1, 5) }, () => {
    const index = notes.findIndex(({ corrects }) => corrects === null && draw.chance(0.2))
    const { hash } = draw.pick(tracked).file
    return {
      file_hash: notes[index]?.file_hash ?? hash ?? 'hash-1',
      forced_to: notes[index]?.forced_to ?? draw.pick(['human', 'artificial', 'none']),
      corrects: index === -1 ? null : index + 1,
      author: draw.pick(['A. Rossi', 'B. Neri']),
      ticket: draw.pick([null, 'FRAUD-1182']),
      noted_at: new Date(before.getTime() - draw.integer(1, 19) * HOUR),
    }
  })
}

/** The tracked identifiers at the end of a run. */
async function updateQueue(db: Kysely<Database>, tracked: readonly Tracked[], at: Date): Promise<void> {
  const rows = tracked.map((one) => ({
    identifier: `id-${one.id}`,
    state: one.isRetired ? 'retired' : one.confirmedAt === null ? 'pending' : 'done',
    confirmed_at: one.confirmedAt,
    retired_at: one.isRetired ? at : null,
    reason: one.isRetired ? `reason ${one.id % 2}` : null,
  }))
  await sql`
    update identifai.identifiers as i set state = r.state, last_confirmed_at = r.confirmed_at,
      finished_at = r.confirmed_at, last_requested_at = ${at}, due_at = null, retired_at = r.retired_at,
      retired_reason = r.reason
    from jsonb_to_recordset(${JSON.stringify(rows)}) as r (identifier text, state text, confirmed_at timestamptz,
      retired_at timestamptz, reason text)
    where i.identifier = r.identifier`.execute(db)
}

interface Written {
  readonly startedAt: Date
  readonly finishedAt: Date
  readonly revisions: readonly DescribedRevision[]
  readonly notes: readonly Note[]
}

/** Closes a run as the product does, but at another time. */
async function sealAt(
  db: Kysely<Database>,
  { startedAt, finishedAt, revisions, notes }: Written,
  { draw, signer }: { readonly draw: Draw; readonly signer: Signer | null },
): Promise<void> {
  const run = newRun('nightly')
  await openRun(db, run)
  await writeRevisions(db, run.runId, revisions)
  await db.transaction().execute(async (trx) => {
    // A trigger would set the times of notes from the clock.
    await sql`set local session_replication_role = replica`.execute(trx)
    const rows = notes.map((note) => ({ ...note, reason: 'called back', reviewer: null }))
    if (rows.length > 0) await trx.insertInto('identifai.override_notes').values(rows).execute()
    await sql`set local session_replication_role = origin`.execute(trx)
    const leaves = await leavesOfRevisions(trx, run.runId)
    await lockChain(trx)
    const { retired_reasons, ...totals } = await readTrackedTotals(trx, run.runId)
    await trx
      .updateTable('identifai.sync_runs')
      .set({
        ...totals,
        retired_reasons: retired_reasons === null ? null : JSON.stringify(retired_reasons),
        status: 'succeeded',
        requests: draw.integer(0, 2),
        started_at: startedAt,
        finished_at: finishedAt,
        first_http_date: draw.chance(0.5) ? startedAt : null,
      })
      .where('run_id', '=', run.runId)
      .execute()
    await sealRun(trx, run.runId, leaves, signer)
  })
}
