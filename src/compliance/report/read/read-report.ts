import type { Kysely } from 'kysely'
import { notesBetween } from '../../../pipeline/seal/read-rows.ts'
import { ReportRefusedError, UsageError } from '../../../platform/errors.ts'
import { readClock } from '../../../platform/postgres/clock.ts'
import type { Scope } from '../../../pipeline/seal/visible-revisions.ts'
import type { Database } from '../../../platform/postgres/database.ts'
import { counted } from '../../../platform/terminal/text.ts'
import { VERSION } from '../../../platform/version.ts'
import { verifyThrough } from '../../verify/verify-chain.ts'
import type { DatabaseTime } from '../../../platform/time.ts'
import { compare } from '../decisions.ts'
import { type Counts, dataDigest, type Facts, makeReport } from '../make-report.ts'
import { inPeriod } from '../period.ts'
import type { ForceChange, Period, Report } from '../schema.ts'
import { type SealedRun, sealedFacts, sealedNote } from '../sealed-facts.ts'
import { readObservedSince, readTracked } from './read-counts.ts'
import { readAlreadyForced, readEvents, readPersonalValues } from './read-events.ts'
import { awaitAsOf, normalizeTime, resolveAsOf } from './resolve-as-of.ts'

/** Times in ISO 8601. */
export interface ReportRequest {
  readonly media: string
  /** Null: from the beginning. */
  readonly from: string | null
  /** Null: up to the moment at which complete coverage ends. */
  readonly to: string | null
  /** IANA name of the time zone of times without one, and of the weeks; UTC by default. */
  readonly timeZone?: string | undefined
  /** Null: the newest run. */
  readonly asOf: string | null
  /** Verifies the history up to the as-of first. */
  readonly verify?: boolean | undefined
}

/**
 * Makes the report from everything that was sealed by the as-of, in one snapshot. The same request gives the same data
 * later.
 *
 * @throws UsageError when nothing had been sealed by then, the as-of lies in the future, or the period is empty.
 * @throws ReportRefusedError when the verification has findings.
 */
export async function readReport(db: Kysely<Database>, request: ReportRequest): Promise<Report> {
  await awaitAsOf(db, request.asOf)
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (trx) => {
      const asOf = await resolveAsOf(trx, request.asOf)
      if (request.verify) await refuseAltered(trx, asOf.chain_position)
      const observed_since = await readObservedSince(trx, {
        media: request.media,
        position: asOf.chain_position,
      })
      const period = await periodOf(trx, request, { asOf, observed_since })
      const facts = await readFacts(trx, request.media, period, { asOf, observed_since })
      const { report_version, ...data } = makeReport(request.media, period, facts)
      return {
        report_version,
        generated_at: await readClock(trx),
        generated_by: `identifai-sync ${VERSION}`,
        verified: request.verify ? await verificationOf(trx, asOf) : null,
        data_digest: dataDigest({ report_version, ...data }),
        ...data,
        personal_values: await readPersonalValues(trx, data.events),
      }
    })
}

/** Findings that a refusal names. */
const NAMED = 5

/** Throws a ReportRefusedError when a row up to a position of the chain is not as it was sealed. */
async function refuseAltered(db: Kysely<Database>, position: number): Promise<void> {
  const findings = await verifyThrough(db, position)
  if (findings.length === 0) return
  const named = findings.slice(0, NAMED).map(({ what, problem }) => `- ${what} ${problem}.`)
  throw new ReportRefusedError(
    `The report was not made, because the history is not as it was sealed (${counted(findings.length, 'finding')}).\n${named.join('\n')}`,
    'Copy the database before anything else. identifai-sync report verify lists all findings.',
  )
}

async function verificationOf(
  db: Kysely<Database>,
  { chain_position, chain_head }: SealedRun,
): Promise<Report['verified']> {
  return { at: await readClock(db), chain_position, chain_head }
}

/** The run of a report, and the time of the first response by its end. */
interface Observed {
  readonly asOf: SealedRun
  readonly observed_since: DatabaseTime | null
}

async function periodOf(
  db: Kysely<Database>,
  { from, to, timeZone = 'UTC' }: ReportRequest,
  observed: Observed,
): Promise<Period> {
  const period = {
    from: from === null ? null : await normalizeTime(db, from, timeZone),
    to: to === null ? completeUntil(observed) : await normalizeTime(db, to, timeZone),
    time_zone: timeZone,
  }
  if (period.from !== null && period.from >= period.to) {
    throw new UsageError(
      `The period is empty, because it would begin at ${period.from} and end at ${period.to}.`,
      'Give a later --to. Without --to, a period ends at the moment up to which all changes were observed.',
    )
  }
  return period
}

/**
 * The end of the latest period with complete coverage. Without such a period, because some identifier never had a result since
 * the first response, the oldest confirmation: the report then states that gap.
 */
function completeUntil({ asOf: { row }, observed_since }: Observed): DatabaseTime {
  const { confirmed_since, unfinished_since, finished_at } = row
  const confirmed = confirmed_since ?? finished_at
  const [earliest = confirmed] = [confirmed, unfinished_since ?? confirmed, finished_at].toSorted(compare)
  return observed_since === null || earliest <= observed_since ? confirmed : earliest
}

async function readFacts(
  db: Kysely<Database>,
  media: string,
  period: Period,
  { asOf, observed_since }: Observed,
): Promise<Facts> {
  const scope = { media, position: asOf.chain_position }
  const events = await readEvents(db, scope)
  const { coverage, now, ...sealed } = sealedFacts(media, asOf)
  const notes = await notesBetween(db, Number.MIN_SAFE_INTEGER, asOf.row.notes_through)
  return {
    ...sealed,
    coverage: { ...coverage, observed_since },
    events,
    notes: notes.filter((note) => note.media === media).map(sealedNote),
    counts: { now, ...(await readCounts(db, scope, period, events)) },
  }
}

async function readCounts(
  db: Kysely<Database>,
  scope: Scope,
  period: Period,
  events: readonly ForceChange[],
): Promise<Omit<Counts, 'now'>> {
  const times = await readAlreadyForced(db, scope)
  const { counts, hashes } = await readTracked(db, scope, events)
  const isCertain = (time: string) => inPeriod({ not_before: time, not_after: time }, period) === 'certainly'
  return {
    alreadyForced: times.filter(isCertain).length,
    tracked: (fileHash) => counts.get(fileHash) ?? 0,
    sameFile: ({ file_hash, classification_id }) => {
      if (file_hash === null) return 0
      return (counts.get(file_hash) ?? 0) - Number(hashes.get(classification_id) === file_hash)
    },
  }
}
