import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  closeRun,
  closeStaleRun,
  findStaleRuns,
  recordHeartbeat,
} from '../../../../src/pipeline/run/run-rows.ts'
import { emptyTally } from '../../../../src/pipeline/run/rules/tally.ts'
import { createTestQueue, type TestQueue } from '../../../support/test-queue.ts'

let queue: TestQueue
beforeEach(async () => {
  queue = await createTestQueue()
})
afterEach(() => queue[Symbol.asyncDispose]())

describe('closing stale runs', () => {
  it('leaves a run open whose process was only suspended, and has recorded a heartbeat since', async () => {
    await sql`update identifai.sync_runs set heartbeat_at = now() - interval '2 minutes'`.execute(queue.db)
    const [stale] = await findStaleRuns(queue.db, 60)
    expect(stale).toBe(queue.run)
    await sql`update identifai.sync_runs set heartbeat_at = now()`.execute(queue.db)
    expect(await closeStaleRun(queue.db, stale as string, { leaseSeconds: 60 })).toBe(false)
    expect(await queue.db.selectFrom('identifai.sync_runs').select('status').execute()).toEqual([
      { status: 'running' },
    ])
  })

  it('skips a run that is being sealed, however long that takes, and does not wait for it', async () => {
    await sql`update identifai.sync_runs set heartbeat_at = now() - interval '2 minutes'`.execute(queue.db)
    await queue.db.transaction().execute(async (sealing) => {
      await sql`select from identifai.sync_runs where run_id = ${queue.run} for update`.execute(sealing)
      expect(await findStaleRuns(queue.db, 60)).toEqual([])
    })
    expect(await findStaleRuns(queue.db, 60)).toEqual([queue.run])
  })

  it('closes runs as interrupted when their heartbeat is older than a lease', async () => {
    await sql`update identifai.sync_runs set heartbeat_at = now() - interval '2 minutes'`.execute(queue.db)
    const alive = await queue.newRun()
    await queue.track('a')
    const longer = await queue.newRun()
    await queue.claim(longer, { leaseSeconds: 600 })
    await sql`update identifai.sync_runs set heartbeat_at = now() - interval '2 minutes' where run_id = ${longer}`.execute(
      queue.db,
    )
    for (const stale of await findStaleRuns(queue.db, 60))
      expect(await closeStaleRun(queue.db, stale, { leaseSeconds: 60 })).toBe(true)
    const rows = await queue.db.selectFrom('identifai.sync_runs').select(['run_id', 'status']).execute()
    expect(Object.fromEntries(rows.map((row) => [row.run_id, row.status]))).toEqual({
      [queue.run]: 'interrupted',
      [alive]: 'running',
      // Its lease is longer, and has not expired.
      [longer]: 'running',
    })
  })
})

it('the end of a run is later than that of the run before, although the clock was set back', async () => {
  const ending = { status: 'succeeded', error: null } as const
  const later = await queue.newRun()
  await closeRun(queue.db, queue.run, ending)
  await sql`alter table identifai.sync_runs disable trigger sync_runs_sealed`.execute(queue.db)
  await sql`update identifai.sync_runs set finished_at = now() + interval '1 hour' where run_id = ${queue.run}`.execute(
    queue.db,
  )
  await sql`alter table identifai.sync_runs enable trigger sync_runs_sealed`.execute(queue.db)
  await closeRun(queue.db, later, ending)
  const { rows } = await sql`
    select l.finished_at > f.finished_at as is_later from identifai.sync_runs as f, identifai.sync_runs as l
    where f.run_id = ${queue.run} and l.run_id = ${later}`.execute(queue.db)
  expect(rows).toEqual([{ is_later: true }])
})

it('a heartbeat does not change a run that another process has closed', async () => {
  const closed = await closeRun(queue.db, queue.run, { status: 'interrupted', error: null })
  await recordHeartbeat(queue.db, queue.run, { ...emptyTally(), claimed: 7 })
  const stored = await queue.db.selectFrom('identifai.sync_runs').selectAll().executeTakeFirst()
  expect(stored).toEqual(closed)
})
