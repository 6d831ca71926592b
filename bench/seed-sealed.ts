import { type Kysely, sql } from 'kysely'
import { revisionLeaf, runLeaf } from '../src/pipeline/seal/leaf.ts'
import { RootHasher } from '../src/pipeline/seal/merkle-tree.ts'
import { revisionPagesOf, sealedRuns } from '../src/pipeline/seal/read-rows.ts'
import type { Database } from '../src/platform/postgres/database.ts'

/** Rows of one statement. */
const STEP = 10_000

interface Size {
  readonly runs: number
  /** First revisions of as many classifications, spread over the runs. */
  readonly revisions: number
  /** Second revisions, which force a label; one for each of the first classifications, in the last runs. */
  readonly events: number
}

/** Writes a sealed history, as runs would have left it, in much less time than they would take. */
export async function seedSealed(db: Kysely<Database>, size: Size): Promise<void> {
  await withoutTriggers(db, (trx) => seedRuns(trx, size))
  await withoutTriggers(db, (trx) => seedRevisions(trx, size))
  await sql`analyze`.execute(db)
  for (let first = 1; first <= size.runs; first += RUNS_AT_ONCE) {
    const last = Math.min(first + RUNS_AT_ONCE - 1, size.runs)
    await withoutTriggers(db, (trx) => sealLeaves(trx, first, last))
    console.log(`leaves of ${last} runs`)
  }
  await withoutTriggers(db, sealRuns)
  await sql`analyze`.execute(db)
}

const RUNS_AT_ONCE = 1000

async function withoutTriggers(
  db: Kysely<Database>,
  work: (trx: Kysely<Database>) => Promise<void>,
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await sql`set local session_replication_role = replica`.execute(trx)
    await work(trx)
  })
}

async function seedRuns(db: Kysely<Database>, { runs, revisions }: Size): Promise<void> {
  await sql`
    insert into identifai.sync_runs (
      run_id, trigger, status, started_at, finished_at, heartbeat_at, host, pid, version, requests, tracked_count,
      pending_count, done_count, errored_count, missing_count, quarantined_count, retired_count, unsealed_runs,
      confirmed_since, reanalyzing_count, forced_now, chain_position, notes_through, actions_through)
    select md5(n::text)::uuid, 'fresh', 'succeeded', at, at + interval '20 seconds', at + interval '20 seconds', 'h', 1, '0',
      1, ${revisions}, 0, ${revisions}, 0, 0, 0, 0, 0, at, 0, '[]', n, 0, 0
    from generate_series(1, ${runs}::integer) as n,
      lateral (select date_trunc('minute', now()) - (${runs}::integer - n + 1) * interval '1 minute' as at) as started`.execute(
    db,
  )
}

/** The commitment to the name of classification `c`, whose salt is the hash of its number. */
const COMMITMENT = sql`encode(sha256(sha256(c::text::bytea) || convert_to('{"name":"call-' || c || '.wav"}', 'UTF8')), 'hex')`

async function seedRevisions(db: Kysely<Database>, { runs, revisions, events }: Size): Promise<void> {
  const insert = sql`insert into identifai.classification_revisions (
    classification_id, revision_no, observed_at, previous_confirmed_at, run_id, causes, media, identifier, file_hash, status,
    api_version, machine_classification, machine_confidence, machine_heuristic, force_classification, personal_commitment)`
  for (let first = 1; first <= revisions; first += 50 * STEP) {
    const last = Math.min(first + 50 * STEP - 1, revisions)
    await sql`${insert}
      select c, 1, s.started_at + interval '1 second', null, s.run_id, '{first_seen}', 'audio',
        encode(sha256(c::text::bytea), 'hex'), encode(sha256(c::text::bytea), 'hex'), 'done', '1.4.2', 'artificial', 0.9,
        'Majority', null, ${COMMITMENT}
      from generate_series(${first}::integer, ${last}::integer) as c
      join identifai.sync_runs as s
        on s.chain_position = 1 + (c - 1)::bigint * ${runs}::integer / ${revisions}::integer`.execute(db)
    console.log(`${last} revisions`)
  }
  await sql`${insert}
    select c, 2, s.started_at + interval '2 seconds', s.started_at - interval '1 minute', s.run_id, '{forced}', 'audio',
      encode(sha256(c::text::bytea), 'hex'), encode(sha256(c::text::bytea), 'hex'), 'done', '1.4.2', 'artificial', 0.9,
      'Majority', 'human', ${COMMITMENT}
    from generate_series(1, ${events}::integer) as c
    join identifai.sync_runs as s on s.chain_position = ${runs}::integer - (c % least(${runs}::integer, 100000)) `.execute(
    db,
  )
  await sql`
    insert into identifai.personal_values (classification_id, revision_no, salt, name, content_digest, digest_version)
    select classification_id, revision_no, encode(sha256(classification_id::text::bytea), 'hex'),
      'call-' || classification_id || '.wav', personal_commitment, 1
    from identifai.classification_revisions`.execute(db)
  await sql`update identifai.sync_runs set forced_now = (
    select jsonb_agg(count order by count ->> 'forced_to' nulls last) from (
      select jsonb_build_object('media', 'audio', 'machine', 'artificial', 'forced_to', force_classification,
        'identifiers', count(*)) as count
      from (select distinct on (classification_id) force_classification from identifai.classification_revisions
        order by classification_id, revision_no desc) as latest
      group by force_classification) as counts)
    where chain_position = ${runs}`.execute(db)
}

/** Writes the leaves of some runs, and their roots. */
async function sealLeaves(db: Kysely<Database>, first: number, last: number): Promise<void> {
  const { rows } = await sql<{ run_id: string; position: number }>`
    select run_id, chain_position as position from identifai.sync_runs
    where chain_position between ${first} and ${last} order by chain_position`.execute(db)
  const runs = new Map(
    rows.map(({ run_id, position }) => [run_id, { position, tree: new RootHasher(), leaves: 0 }]),
  )
  let leaves: LeafRow[] = []
  for await (const row of rowsOf(revisionPagesOf(db, [...runs.keys()]))) {
    const run = runs.get(row.run_id)
    if (!run) throw new Error('no such run')
    const { hash } = revisionLeaf(row)
    run.tree.add(hash)
    leaves.push([run.position, run.leaves++, row.classification_id, row.revision_no, hash.toString('hex')])
    if (leaves.length < STEP) continue
    await insertLeaves(db, leaves)
    leaves = []
  }
  await insertLeaves(db, leaves)
  const sealed = [...runs.values()]
  await sql`
    update identifai.sync_runs as s set merkle_root = sealed.root, leaf_count = sealed.leaves
    from unnest(
      ${sealed.map(({ position }) => position)}::integer[],
      ${sealed.map(({ tree }) => tree.root.toString('hex'))}::text[],
      ${sealed.map((run) => run.leaves)}::integer[]) as sealed (position, root, leaves)
    where s.chain_position = sealed.position`.execute(db)
}

async function* rowsOf<Row>(pages: AsyncGenerator<Row[]>): AsyncGenerator<Row> {
  for await (const page of pages) yield* page
}

type LeafRow = readonly [
  position: number,
  leafNo: number,
  classificationId: number,
  revisionNo: number,
  hash: string,
]

async function insertLeaves(db: Kysely<Database>, leaves: readonly LeafRow[]): Promise<void> {
  await sql`
    insert into identifai.chain_leaves (chain_position, leaf_no, classification_id, revision_no, leaf_hash)
    select * from unnest(
      ${leaves.map(([position]) => position)}::integer[], ${leaves.map(([, no]) => no)}::integer[],
      ${leaves.map(([, , id]) => id)}::bigint[], ${leaves.map(([, , , no]) => no)}::integer[],
      ${leaves.map(([, , , , hash]) => hash)}::text[])`.execute(db)
}

/** Writes the chain over the sealed rows of the runs. */
async function sealRuns(db: Kysely<Database>): Promise<void> {
  const tree = new RootHasher()
  let sealed: { position: number; nodes: string; head: string }[] = []
  const write = async () => {
    await sql`
      update identifai.sync_runs as s set chain_nodes = sealed.nodes::text[], chain_head = sealed.head
      from unnest(
        ${sealed.map(({ position }) => position)}::integer[], ${sealed.map(({ nodes }) => nodes)}::text[],
        ${sealed.map(({ head }) => head)}::text[]) as sealed (position, nodes, head)
      where s.chain_position = sealed.position`.execute(db)
    sealed = []
  }
  for await (const { chain_position: position, row } of sealedRuns(db)) {
    const nodes = tree.add(runLeaf(row)).map((hash) => hash.toString('hex'))
    sealed.push({ position, nodes: `{${nodes.join(',')}}`, head: tree.root.toString('hex') })
    if (sealed.length === STEP) await write()
  }
  await write()
}
