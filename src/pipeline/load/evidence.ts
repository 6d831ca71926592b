import { sql, type Transaction } from 'kysely'
import type { Drift } from '../../media/validation.ts'
import type { Database } from '../../platform/postgres/database.ts'
import type { Observation, Outcome } from './outcome.ts'

const MAX_PATH_CHARACTERS = 500
const MAX_SAMPLE_CHARACTERS = 500

/** Unknown members of one object in a batch, above which they count as one: their names are data. */
const MAX_MEMBERS = 20

/** Rows of drift for each medium, above which everything new counts as one. */
const MAX_ROWS = 1000

export type EvidenceContext = Observation & { readonly media: string }

/** Drift in the record of one identifier. */
type FoundDrift = Drift & { readonly sampleOf: number }

/** Stores the records that could not be loaded. */
export async function quarantine(
  trx: Transaction<Database>,
  outcomes: readonly Extract<Outcome, { kind: 'quarantined' }>[],
  { media, runId, requestedAt, receivedAt }: EvidenceContext,
): Promise<void> {
  if (outcomes.length === 0) return
  await trx
    .insertInto('identifai.quarantined_payloads')
    .values(
      outcomes.map((outcome) => ({
        media,
        identifier: outcome.claim.identifier,
        run_id: runId,
        requested_at: requestedAt,
        received_at: receivedAt,
        reason: outcome.reason,
        issues: JSON.stringify(outcome.issues),
        payload: outcome.payload,
        resolved_at: null,
      })),
    )
    .execute()
}

/** Marks the evidence of identifiers whose record now fits the contract, except evidence that is newer than the record. */
export async function resolveQuarantine(
  trx: Transaction<Database>,
  identifiers: readonly string[],
  { media, receivedAt }: EvidenceContext,
): Promise<void> {
  await trx
    .updateTable('identifai.quarantined_payloads')
    .set({ resolved_at: sql<Date>`now()` })
    .where('media', '=', media)
    .where(sql<boolean>`identifier = any(${identifiers}::text[])`)
    .where('received_at', '<=', sql<Date>`${receivedAt}::timestamptz`)
    .where('resolved_at', 'is', null)
    .execute()
}

/**
 * Counts drift, one row for each path and kind, and few rows however many names the API makes up. Workers share these rows.
 * Written in one order and at the end of the transaction, they make no worker wait long, and no two wait for each other.
 */
export async function recordDrift(
  trx: Transaction<Database>,
  media: string,
  drift: readonly FoundDrift[],
): Promise<void> {
  if (drift.length === 0) return
  const known = await trx
    .selectFrom('identifai.schema_drift')
    .select(['path', 'kind'])
    .where('media', '=', media)
    .execute()
  const rows = countDrift(drift, new Set(known.map(keyOf)))
  // One parameter for each column, however many rows. Kysely has no unnest over several arrays.
  await sql`
    insert into identifai.schema_drift as known (media, path, kind, occurrences, sample, sample_of)
    select ${media}, * from unnest(
      ${rows.map((row) => row.path)}::text[],
      ${rows.map((row) => row.kind)}::text[],
      ${rows.map((row) => row.occurrences)}::bigint[],
      ${rows.map((row) => row.sample)}::text[],
      ${rows.map((row) => row.sampleOf)}::bigint[])
    on conflict (media, path, kind) do update set
      last_seen_at = now(), occurrences = known.occurrences + excluded.occurrences`.execute(trx)
}

function countDrift(drift: readonly FoundDrift[], known: ReadonlySet<string>) {
  const groups = Map.groupBy(withFewRows(withFewMembers(drift.map(withShortPath)), known), keyOf)
  return [...groups]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([, members]) => {
      const { path, kind, sample, sampleOf } = members[0] as FoundDrift
      return {
        path,
        kind,
        occurrences: members.length,
        sample: JSON.stringify(sample).slice(0, MAX_SAMPLE_CHARACTERS).toWellFormed(),
        sampleOf,
      }
    })
}

function keyOf({ path, kind }: Pick<Drift, 'path' | 'kind'>): string {
  return JSON.stringify([path, kind])
}

function withShortPath(drift: FoundDrift): FoundDrift {
  return { ...drift, path: drift.path.slice(0, MAX_PATH_CHARACTERS).toWellFormed() }
}

/** Many unknown members of one object count as one, with a star in place of their names. */
function withFewMembers(drift: readonly FoundDrift[]): readonly FoundDrift[] {
  const paths = new Set(drift.map(({ path }) => path))
  const members = Map.groupBy(paths, parentOf)
  return drift.map((one) => {
    const parent = parentOf(one.path)
    return (members.get(parent)?.length ?? 0) > MAX_MEMBERS ? { ...one, path: `${parent}/*` } : one
  })
}

function withFewRows(drift: readonly FoundDrift[], known: ReadonlySet<string>): readonly FoundDrift[] {
  const rows = new Set([...known, ...drift.map(keyOf)])
  if (rows.size <= MAX_ROWS) return drift
  return drift.map((one) => (known.has(keyOf(one)) ? one : { ...one, path: '/*' }))
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}
