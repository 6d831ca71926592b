import { type Kysely, sql } from 'kysely'
import type { Database } from '../src/platform/postgres/database.ts'

export interface HistorySize {
  readonly classifications: number
  /** Revisions of each classification. */
  readonly revisionsEach: number
  /** Classifications whose second revision is forced. Two classifications share a file. */
  readonly events: number
  /** Nightly runs, at least one more than the revisions of each classification. */
  readonly nightlyTimes: number
}

/**
 * Writes a history straight into the tables: nightly runs, revisions spread over them, and overrides. Runs have chain
 * positions but no leaves, because this data is for timing reports and not for verification.
 */
export async function seedHistory(db: Kysely<Database>, size: HistorySize): Promise<void> {
  await sql`
    insert into identifai.identifiers (identifier, state, enqueued_at, finished_at, last_requested_at, last_confirmed_at)
    select encode(sha256(n::text::bytea), 'hex'), 'done', '2026-01-01Z', now(), now(), now()
    from generate_series(1, ${size.classifications}) as n`.execute(db)
  await sql`
    insert into identifai.sync_runs (
      run_id, trigger, status, started_at, finished_at, host, pid, version, tracked_count, pending_count, done_count,
      errored_count, missing_count, quarantined_count, retired_count, unsealed_runs, confirmed_since, chain_position,
      merkle_root, leaf_count, chain_head, notes_through, actions_through, forced_now)
    select md5(n::text)::uuid, 'nightly', 'succeeded', started, started + interval '1 hour', 'h', 1, '0',
      ${size.classifications}, 0, ${size.classifications}, 0, 0, 0, 0, 0, started, n, repeat('0', 64), 0,
      encode(sha256(n::text::bytea), 'hex'), 0, 0, '[]'
    from generate_series(1, ${size.nightlyTimes}) as n, lateral (select '2026-01-01 02:00Z'::timestamptz + n * interval '1 day' as started) as at`.execute(
    db,
  )
  await sql`
    insert into identifai.classification_revisions (
      classification_id, revision_no, observed_at, previous_confirmed_at, run_id, causes, media, identifier, file_hash, status, api_version, machine_classification, machine_confidence, machine_heuristic,
      force_classification, personal_commitment)
    select c, no, started + interval '30 minutes', case when no > 1 then started - interval '1 day' end, md5(n::text)::uuid,
      case when no = 1 then array['first_seen'] when is_forced and no = 2 then array['forced'] else array['details_changed'] end,
      'audio', encode(sha256(c::text::bytea), 'hex'),
      encode(sha256((c / 2)::text::bytea), 'hex'), 'done', '1.4.2', case when c % 7 = 0 then 'human' else 'artificial' end,
      0.5 + (c % 50) / 100.0, 'Majority', case when is_forced and no >= 2 then 'human' end,
      encode(sha256((c * 100 + no)::text::bytea), 'hex')
    from generate_series(1, ${size.classifications}) as c
    cross join generate_series(1, ${size.revisionsEach}) as no
    cross join lateral (
      select 1 + ((c / 2) % ${size.nightlyTimes - size.revisionsEach}::integer) + no - 1 as n, c <= ${size.events}::integer as is_forced) as spread
    cross join lateral (select '2026-01-01 02:00Z'::timestamptz + n * interval '1 day' as started) as at
    order by c, no`.execute(db)
  await sql`
    insert into identifai.personal_values (
      classification_id, revision_no, salt, name, result_url, source, content_digest, digest_version)
    select classification_id, revision_no, encode(sha256(classification_id::text::bytea), 'hex'),
      'call-' || classification_id || '.wav', 'https://dashboard.example/results/' || classification_id, 'calls',
      personal_commitment, 1
    from identifai.classification_revisions`.execute(db)
}
