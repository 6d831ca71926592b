import { type Kysely, sql } from 'kysely'
import { FORCE_CAUSES } from '../../platform/postgres/tables/history.ts'
import { utcText } from '../../platform/postgres/clock.ts'
import type { Database } from '../../platform/postgres/database.ts'
import type { Placed, Position } from './notification.ts'

/** Notifications that are read together. */
const PAGE = 100

interface SealedRun {
  readonly run_id: string
  readonly chain_position: number
}

/** The end of a run. Its position is the beginning of the next run. */
interface EndOfRun {
  readonly position: Position
  readonly notification: null
}

/**
 * Reads the notifications after a position, run by run in the order of the chain. Of each run, the changes of forced labels
 * come first, in the order of its leaves. Its quarantined records follow, and then its end.
 */
export async function* readNotifications(
  db: Kysely<Database>,
  after: Position,
): AsyncGenerator<Placed | EndOfRun> {
  for await (const run of readRuns(db, after.chain_position)) {
    const isFirst = run.chain_position === after.chain_position
    let position = isFirst ? after : beginningOf(run.chain_position)
    for (const read of [readForces, readQuarantined]) {
      for (;;) {
        const page: Placed[] = await read(db, run, position)
        for (const placed of page) {
          yield placed
          ;({ position } = placed)
        }
        if (page.length < PAGE) break
      }
    }
    yield { position: beginningOf(run.chain_position + 1), notification: null }
  }
}

function beginningOf(chainPosition: number): Position {
  return { chain_position: chainPosition, classification_id: 0, revision_no: 0, quarantine_id: 0 }
}

/** The sealed runs from a position of the chain, the earliest first. */
async function* readRuns(db: Kysely<Database>, from: number): AsyncGenerator<SealedRun> {
  for (let next = from; ; ) {
    const { rows } = await sql<SealedRun>`
      select run_id, chain_position from identifai.sync_runs
      where chain_position >= ${next} and chain_head is not null order by chain_position limit ${PAGE}`.execute(
      db,
    )
    yield* rows
    const last = rows.at(-1)
    if (last === undefined) return
    next = last.chain_position + 1
  }
}

async function readForces(db: Kysely<Database>, run: SealedRun, after: Position): Promise<Placed[]> {
  // The first condition on the causes is that of the index. A replay has revisions from before its start, so time is no limit.
  const { rows } = await sql<ForceRow>`
    select classification_id, revision_no, media, identifier, ${utcText(sql`previous_confirmed_at`)} as not_before,
      ${utcText(sql`observed_at`)} as not_after, force_classification as forced_to, machine_classification,
      machine_confidence, file_hash, causes
    from identifai.classification_revisions
    where causes && array['forced', 'force_changed', 'unforced', 'already_forced'] and causes && ${FORCE_CAUSES}::text[]
      and run_id = ${run.run_id}::uuid
      and (classification_id, revision_no) > (${after.classification_id}, ${after.revision_no})
    order by classification_id, revision_no limit ${PAGE}`.execute(db)
  const formerLabels = await readFormerLabels(db, rows)
  return rows.map(({ causes, forced_to, not_before, not_after, machine_confidence, ...row }, index) => {
    const { classification_id, revision_no } = row
    return {
      id: `force-${classification_id}-${revision_no}`,
      position: { ...after, classification_id, revision_no },
      notification: {
        type: 'force.observed',
        timestamp: not_after,
        data: {
          media: row.media,
          identifier: row.identifier,
          run_id: run.run_id,
          chain_position: run.chain_position,
          classification_id,
          revision_no,
          event: FORCE_CAUSES.find((cause) => causes.includes(cause)) ?? 'forced',
          forced_from: formerLabels[index] ?? null,
          forced_to,
          not_before,
          not_after,
          machine_classification: row.machine_classification,
          machine_confidence,
          file_hash: row.file_hash,
        },
      },
    }
  })
}

interface ForceRow {
  readonly classification_id: number
  readonly revision_no: number
  readonly media: string
  readonly identifier: string
  readonly not_before: string | null
  readonly not_after: string
  readonly forced_to: string | null
  readonly machine_classification: string | null
  readonly machine_confidence: number | null
  readonly file_hash: string | null
  readonly causes: readonly string[]
}

/** The forced label of the last finished content before each of these. */
async function readFormerLabels(db: Kysely<Database>, rows: readonly ForceRow[]) {
  const finished = await db
    .selectFrom('identifai.classification_revisions')
    .select(['classification_id', 'revision_no', 'force_classification'])
    .where(
      sql<boolean>`classification_id = any(${rows.map(({ classification_id }) => classification_id)}::bigint[])`,
    )
    .where('status', '<>', 'new')
    .orderBy('revision_no')
    .execute()
  return rows.map(
    (row) =>
      finished.findLast(
        (one) => one.classification_id === row.classification_id && one.revision_no < row.revision_no,
      )?.force_classification ?? null,
  )
}

async function readQuarantined(db: Kysely<Database>, run: SealedRun, after: Position): Promise<Placed[]> {
  const { rows } = await sql<{
    quarantine_id: number
    media: string
    identifier: string
    reason: string
    received_at: string
  }>`
    select quarantine_id, media, identifier, reason, ${utcText(sql`received_at`)} as received_at
    from identifai.quarantined_payloads
    where run_id = ${run.run_id}::uuid and quarantine_id > ${after.quarantine_id}
    order by quarantine_id limit ${PAGE}`.execute(db)
  return rows.map((row) => ({
    id: `quarantine-${row.quarantine_id}`,
    position: { ...after, quarantine_id: row.quarantine_id },
    notification: {
      type: 'record.quarantined',
      timestamp: row.received_at,
      data: {
        media: row.media,
        identifier: row.identifier,
        run_id: run.run_id,
        chain_position: run.chain_position,
        quarantine_id: row.quarantine_id,
        reason: row.reason,
        received_at: row.received_at,
      },
    },
  }))
}
