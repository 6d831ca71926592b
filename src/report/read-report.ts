import type { Kysely } from 'kysely'
import { readClock } from '../db/clock.ts'
import type { Database } from '../db/database.ts'
import { UsageError } from '../errors.ts'
import { VERSION } from '../version.ts'
import { dataDigest } from './data-digest.ts'
import { type History, makeReport } from './make-report.ts'
import { readEvents, readFoundForced } from './read-events.ts'
import { readNotes } from './read-notes.ts'
import { readStanding, readTracked } from './read-standing.ts'
import type { Period, Report } from './report.ts'
import { normalizeTime, resolveAsOf, type SealedRun } from './resolve-as-of.ts'

/** Times in ISO 8601. */
export interface ReportRequest {
  readonly media: string
  /** Null: from the beginning. */
  readonly from: string | null
  /** Null: up to the oldest confirmation at the as-of, which is where complete knowledge ends. */
  readonly to: string | null
  /** Null: the newest run. */
  readonly asOf: string | null
}

/**
 * Makes the report from what was sealed by then, in one snapshot; the same request finds the same data later.
 *
 * @throws UsageError when nothing had been sealed by then, or the period is empty.
 */
export async function readReport(db: Kysely<Database>, request: ReportRequest): Promise<Report> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (trx) => {
      const asOf = await resolveAsOf(trx, request.asOf)
      const period = await periodOf(trx, request, asOf)
      const data = makeReport(request.media, period, await readHistory(trx, request.media, asOf))
      return {
        report_version: data.report_version,
        generated_at: await readClock(trx),
        generated_by: `identifai-sync ${VERSION}`,
        data_digest: dataDigest(data),
        head: data.head,
        summary: data.summary,
        decisions: data.decisions,
        events: data.events,
      }
    })
}

async function periodOf(
  db: Kysely<Database>,
  { from, to }: ReportRequest,
  { row }: SealedRun,
): Promise<Period> {
  const period = {
    from: from === null ? null : await normalizeTime(db, from),
    to: to === null ? (row.confirmed_since ?? row.finished_at) : await normalizeTime(db, to),
  }
  if (period.from !== null && period.from >= period.to) {
    throw new UsageError(
      `The period is empty: it would begin at ${period.from} and end at ${period.to}${to === null ? ' (the oldest confirmation; give --to for another end)' : ''}.`,
    )
  }
  return period
}

async function readHistory(db: Kysely<Database>, media: string, asOf: SealedRun): Promise<History> {
  const position = asOf.chain_position
  const events = await readEvents(db, position)
  const hashes = new Set(events.flatMap(({ file_hash }) => file_hash ?? []))
  return {
    asOf,
    events,
    foundForced: await readFoundForced(db, position),
    standing: await readStanding(db, position),
    notes: await readNotes(db, media, asOf.row.notes_through),
    tracked: await readTracked(db, position, [...hashes]),
  }
}
