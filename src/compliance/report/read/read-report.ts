import type { Kysely } from 'kysely'
import type { DatabaseTime } from '../../platform/database-time.ts'
import { readClock } from '../../platform/postgres/clock.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { UsageError } from '../../platform/errors.ts'
import { VERSION } from '../../platform/version.ts'
import { dataDigest } from './data-digest.ts'
import { inPeriod } from './in-period.ts'
import { type Counts, type Facts, makeReport } from './make-report.ts'
import { readEvents, readAlreadyForced } from './read-events.ts'
import { readNotes } from './read-notes.ts'
import { readObservedSince, readForcedNow, readTracked, type Tracked } from './read-forced-now.ts'
import type { MachineToForced, Period, Report } from './report.ts'
import { normalizeTime, resolveAsOf, awaitAsOf } from './resolve-as-of.ts'
import { type SealedRun, sealedFacts } from './sealed-facts.ts'
import { forcedNowOf } from './forced-now.ts'

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
 * @throws UsageError when nothing had been sealed by then, the as-of lies in the future, or the period is empty.
 */
export async function readReport(db: Kysely<Database>, request: ReportRequest): Promise<Report> {
  await awaitAsOf(db, request.asOf)
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (trx) => {
      const asOf = await resolveAsOf(trx, request.asOf)
      const period = await periodOf(trx, request, asOf)
      const facts = await readFacts(trx, { media: request.media, period, asOf })
      const data = makeReport(request.media, period, facts)
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

async function readFacts(
  db: Kysely<Database>,
  { media, period, asOf }: { readonly media: string; readonly period: Period; readonly asOf: SealedRun },
): Promise<Facts> {
  const position = asOf.chain_position
  const events = await readEvents(db, position)
  const { coverage, ...sealed } = sealedFacts(asOf)
  return {
    ...sealed,
    coverage: { ...coverage, observed_since: await readObservedSince(db, position) },
    events,
    notes: await readNotes(db, media, asOf.row.notes_through),
    counts: countsOf(period, {
      forcedNow: await readForcedNow(db, position),
      alreadyForced: await readAlreadyForced(db, position),
      tracked: await readTracked(db, position, events),
    }),
  }
}

function countsOf(
  period: Period,
  counted: {
    readonly forcedNow: readonly MachineToForced<'identifiers'>[]
    /** When identifiers were first seen finished that were forced already. */
    readonly alreadyForced: readonly DatabaseTime[]
    readonly tracked: Tracked
  },
): Counts {
  const { counts, hashes } = counted.tracked
  return {
    now: forcedNowOf(counted.forcedNow),
    alreadyForced: counted.alreadyForced.filter(
      (time) => inPeriod({ not_before: time, not_after: time }, period) === 'certainly',
    ).length,
    tracked: (fileHash) => counts.get(fileHash) ?? 0,
    sameFile: ({ file_hash, classification_id }) => {
      if (file_hash === null) return 0
      return (counts.get(file_hash) ?? 0) - Number(hashes.get(classification_id) === file_hash)
    },
  }
}
