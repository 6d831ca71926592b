import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { createDraw } from '../../src/devkit/simulator/draw.ts'
import { expectTruth } from '../support/expect-truth.ts'
import { moveTime } from '../support/move-time.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'
import { TEST_SEED } from '../support/test-seed.ts'

/** The number that `npm run test:soak` sets, or a smaller one. */
const NIGHTLY_RUNS = Number(process.env.NIGHTLY_RUNS ?? 16)
const DAY = 86_400

it('each nightly run confirms all finished identifiers, and loads an override for all identifiers of a file', async () => {
  const draw = createDraw('nightly', TEST_SEED)
  await using bench = await createTestApp({ world: { seed: 17, requestsUntilDone: 3 } })
  const { world, stats } = bench.simulator
  let tracked = 0
  let forceEvents = 0
  for (let count = 1; count <= NIGHTLY_RUNS; count++) {
    const inflow = world.register({ count: count === 1 ? 150 : draw.integer(0, 12) })
    await bench.enqueue(inflow)
    tracked += inflow.length
    const overridden = count > 5 && count % 2 === 0 ? await pickFile(bench, draw) : undefined
    const requestedBefore = stats.identifiers

    let isOverridden = false
    const run = await bench.run({
      trigger: 'nightly',
      onProgress: ({ returned }) => {
        if (!overridden || isOverridden || returned < tracked / 3) return
        // This is in the middle of the run, when some identifiers of the file have been requested and others have not.
        isOverridden = world.override(
          overridden.file_hash,
          overridden.force === 'human' ? 'artificial' : 'human',
        )
        forceEvents += overridden.finished
      },
    })
    expect(run).toMatchObject({
      status: 'succeeded',
      tracked_count: tracked,
      quarantined: 0,
      not_returned: 0,
    })
    expect(run.confirmed_since?.getTime()).toBeGreaterThanOrEqual(run.started_at.getTime())
    expect(await countUnconfirmed(bench, run.run_id)).toBe(0)
    expect(await countMixedFiles(bench)).toBe(0)
    // Only identifiers with a refresh request are requested twice. All requests are full, but those of same-file identifiers.
    const repeated = stats.identifiers - requestedBefore - tracked
    expect(repeated).toBeLessThanOrEqual(run.force_changes + inflow.length)
    expect(run.requests).toBeLessThanOrEqual(Math.ceil(tracked / 100) + run.force_changes)
    await moveTime(bench.app.db, DAY)
  }
  // The last analyses end within three more runs.
  for (let count = 0; count < 3; count++) {
    await bench.run()
    await moveTime(bench.app.db, DAY)
  }
  await expectTruth(bench.app.db, world, world.identifiers)
  expect(forceEvents).toBeGreaterThan(NIGHTLY_RUNS / 4)
  expect(await countForceEvents(bench)).toBe(forceEvents)
})

/** A file whose identifiers are all finished, with their number. */
async function pickFile({ app }: TestApp, draw: ReturnType<typeof createDraw>) {
  const { rows: files } = await sql<{ file_hash: string; force: string | null; finished: number }>`
    select file_hash, max(force_classification) as force, count(*) filter (where state <> 'pending') as finished
    from identifai.classifications join identifai.identifiers using (identifier)
    group by file_hash having bool_and(state <> 'pending') order by count(*) desc, file_hash limit 20`.execute(
    app.db,
  )
  return draw.pick(files)
}

/** Finished identifiers whose last confirmation is older than the run. */
async function countUnconfirmed({ app }: TestApp, runId: string): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*) as n from identifai.identifiers, identifai.sync_runs
    where run_id = ${runId} and state in ('done', 'errored') and last_confirmed_at < started_at`.execute(
    app.db,
  )
  return rows[0]?.n ?? Number.NaN
}

/** The number of files whose finished identifiers have different forced labels. */
async function countMixedFiles({ app }: TestApp): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*) as n from (
      select file_hash from identifai.classifications join identifai.identifiers using (identifier)
      where state in ('done', 'errored')
      group by file_hash having count(distinct coalesce(force_classification, 'none')) > 1) as mixed`.execute(
    app.db,
  )
  return rows[0]?.n ?? Number.NaN
}

async function countForceEvents({ app }: TestApp): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*) as n from identifai.classification_revisions
    where causes && array['forced', 'force_changed', 'unforced']`.execute(app.db)
  return rows[0]?.n ?? Number.NaN
}
