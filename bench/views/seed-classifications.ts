import { type Kysely, sql } from 'kysely'
import type { Database } from '../../src/platform/postgres/database.ts'

/** Classifications in one transaction. */
const STEP = 20_000

/**
 * Writes finished classifications straight into the tables, as runs over two years would leave them. Each has a main
 * verdict, three verdicts by other heuristics, three models and eight clips. Two classifications share a file, and one
 * file in a hundred is forced. The values of a classification depend on its number only. There are no leaves, because
 * this data is for timing queries and not for verification.
 */
export async function seedClassifications(
  dbs: readonly Kysely<Database>[],
  total: number,
  onProgress: (done: number) => void,
): Promise<void> {
  const [db] = dbs as [Kysely<Database>]
  await seedRuns(db)
  await seedIdentifiers(db, total)
  let [next, done] = [1, 0]
  await Promise.all(
    dbs.map(async (connection) => {
      while (next <= total) {
        const first = next
        next += STEP
        await seedStep(connection, first, Math.min(first + STEP - 1, total), total)
        done += STEP
        onProgress(Math.min(done, total))
      }
    }),
  )
}

async function seedRuns(db: Kysely<Database>): Promise<void> {
  await sql`
    insert into identifai.sync_runs (run_id, trigger, status, started_at, finished_at, host, pid, version, unsealed_runs,
      notes_through, chain_position, merkle_root, chain_head)
    select md5(n::text)::uuid, 'nightly', 'succeeded', started, started + interval '1 hour', 'h', 1, '0', 0, 0, n + 1,
      repeat('0', 64), encode(sha256(n::text::bytea), 'hex')
    from generate_series(0, 731) as n,
      lateral (select date_trunc('day', now()) - interval '730 days' + n * interval '1 day' as started) as at`.execute(
    db,
  )
}

async function seedIdentifiers(db: Kysely<Database>, total: number): Promise<void> {
  await sql`
    insert into identifai.identifiers (identifier, submitted_at, source, state, due_at, enqueued_at, finished_at,
      last_requested_at, last_confirmed_at, changed_at)
    select encode(sha256(c::text::bytea), 'hex'), case when c % 10 > 0 then at end,
      (array['calls', 'voice notes', 'evidence'])[1 + c % 3], 'done', now() + interval '12 hours', at, at, now(), now(), at
    from generate_series(1, ${total}::bigint) as c,
      lateral (select now() - interval '730 days' * (1 - c::float8 / ${total}::bigint) as at) as submitted`.execute(
    db,
  )
}

/** Writes the rows of some classifications, table by table. Foreign keys hold by construction, so checks are off. */
async function seedStep(db: Kysely<Database>, first: number, last: number, total: number): Promise<void> {
  const ids = sql`generate_series(${first}::bigint, ${last}::bigint) as c`
  const facts = sql`${ids}, lateral (select
      case when ${random('c', 1)} < 0.3 then 'artificial' else 'human' end as label,
      0.5 + ${random('c', 2)} / 2 as confidence,
      case when ${random('(c / 2)', 3)} < 0.01 then case when ${random('(c / 2)', 4)} < 0.8 then 'human' else 'artificial' end end as forced,
      now() - interval '730 days' * (1 - c::float8 / ${total}::bigint) + interval '1 minute' as seen,
      encode(sha256((c / 2)::text::bytea), 'hex') as file_hash) as fact`
  await db.transaction().execute(async (trx) => {
    await sql`set local session_replication_role = replica`.execute(trx)
    await sql`set local synchronous_commit = off`.execute(trx)
    await sql`
      insert into identifai.classifications (classification_id, media, identifier, file_hash, api_version, status, name,
        ref_id, result_url, force_classification, revision_no, observed_at, run_id, clips_path, clip_count, judged_clip_count,
        artificial_clip_count, model_count, other_heuristic_count, disagreeing_heuristic_count)
      select c, 'audio', encode(sha256(c::text::bytea), 'hex'), file_hash, 'v1.4.2', 'done', 'call-' || c || '.wav', 'ref-' || c,
        'https://dashboard.example/results/' || c, forced, case when forced is null then 1 else 2 end, seen,
        md5('1')::uuid, '/details/clips', 8, 8,
        (select count(*) from generate_series(4, 11) as v where ${verdictLabel('v')} = 'artificial'), 3, 3,
        (select count(*) from generate_series(1, 3) as v where ${verdictLabel('v')} <> label)
      from ${facts}`.execute(trx)
    await sql`
      insert into identifai.classification_revisions (classification_id, revision_no, observed_at, previous_confirmed_at,
        run_id, causes, media, identifier, submitted_at, file_hash, status, api_version,
        machine_classification, machine_confidence, machine_heuristic, force_classification, personal_commitment,
        payload_commitment)
      select c, no, seen + (no - 1) * interval '3 days', case when no > 1 then seen + interval '2 days' end,
        md5((730 * c / ${total}::bigint)::text)::uuid, array[case no when 1 then 'first_seen' else 'forced' end], 'audio',
        encode(sha256(c::text::bytea), 'hex'), case when c % 10 > 0 then seen - interval '1 minute' end, file_hash, 'done', 'v1.4.2', label, confidence, 'Majority',
        case when no > 1 then forced end, encode(sha256((c * 10 + no)::text::bytea), 'hex'),
        encode(sha256((c * 10 + no)::text::bytea), 'hex')
      from ${facts}, generate_series(1, case when forced is null then 1 else 2 end) as no`.execute(trx)
    await sql`
      insert into identifai.personal_values (classification_id, revision_no, salt, name, ref_id, result_url, source,
        content_digest, digest_version)
      select c, no, encode(sha256(c::text::bytea), 'hex'), 'call-' || c || '.wav', 'ref-' || c,
        'https://dashboard.example/results/' || c, (array['calls', 'voice notes', 'evidence'])[1 + c % 3],
        encode(sha256((c * 10 + no)::text::bytea), 'hex'), 1
      from ${facts}, generate_series(1, case when forced is null then 1 else 2 end) as no`.execute(trx)
    await sql`
      insert into identifai.clips (classification_id, clip_no, clip_index, clip_start, clip_end, heuristic, confidence,
        classification, models)
      select c, k, k, k * 5, (k + 1) * 5, 'Majority', ${verdictConfidence('(k + 4)')}, ${verdictLabel('(k + 4)')}, ${MODELS}
      from ${facts}, generate_series(0, 7) as k`.execute(trx)
    await sql`
      insert into identifai.verdicts (classification_id, verdict_no, kind, heuristic, confidence, classification, models,
        is_repeated)
      select c, v, case when v = 0 then 'main' else 'heuristic' end,
        (array['Majority', 'Average', 'AverageExclude10', 'TopRelevant'])[v + 1],
        ${verdictConfidence('v')}, ${verdictLabel('v')}, ${MODELS}, false
      from ${facts}, generate_series(0, 3) as v`.execute(trx)
    await sql`
      insert into identifai.model_results (classification_id, result_no, clip_no, model, unknown, elapsed_time,
        human_score, artificial_score, other_scores, top_label)
      select c, n, case when n > 2 then (n - 3) / 3 end, (${MODELS})[n % 3 + 1],
        abstained, ${random('(c * 32 + n)', 8)} * 4,
        case when not abstained then 1 - score end, case when not abstained then score end,
        case when abstained then jsonb_build_array(
          jsonb_build_object('label', 'human', 'score', 1 - score),
          jsonb_build_object('label', 'artificial', 'score', score)) end,
        case when not abstained then case when score >= 0.5 then 'artificial' else 'human' end end
      from ${ids}, generate_series(0, 26) as n,
        lateral (select ${random('(c * 32 + n)', 7)} < 0.02 as abstained, ${random('(c * 32 + n)', 9)} as score) as result`.execute(
      trx,
    )
  })
}

const MODELS = sql`array['Phantom', 'Zebra II', 'Lynx']`

/** SQL for the confidence of a verdict, by its number within the classification; 0 is the main verdict. */
function verdictConfidence(verdict: string) {
  return sql`case when ${sql.raw(verdict)} = 0 then confidence else 0.5 + ${random(`(c * 16 + ${verdict})`, 5)} / 2 end`
}

/** SQL for the label of a verdict. One in twenty on files and one in ten on clips differs from the main verdict. */
function verdictLabel(verdict: string) {
  return sql`case when ${sql.raw(verdict)} > 0
      and ${random(`(c * 16 + ${verdict})`, 6)} < case when ${sql.raw(verdict)} < 4 then 0.05 else 0.1 end
    then case label when 'human' then 'artificial' else 'human' end else label end`
}

/** SQL for a number from 0 to 1 that depends only on an integer expression and the seed. */
function random(expression: string, seed: number) {
  return sql.raw(`((hashint8extended(${expression}::bigint, ${seed}) & 1048575) / 1048576.0)`)
}
