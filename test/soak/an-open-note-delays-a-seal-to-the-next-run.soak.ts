import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { connect } from '../../src/platform/postgres/connect.ts'
import { addNote } from '../support/add-note.ts'
import { createTestApp } from '../support/test-app.ts'

it('a run stops waiting for an open transaction that has written a note, and the next run seals the note', async () => {
  await using bench = await createTestApp({ world: { seed: 3 } })
  await bench.enqueue(bench.simulator.world.register({ count: 5, outcome: 'done' }))
  const other = connect({ connectionString: bench.database.url, maxConnections: 1 })
  await other.db.transaction().execute(async (trx) => {
    await addNote(trx, 'h')
    await expect(bench.run()).rejects.toThrow(/lock timeout/)
  })
  await other.db.destroy()
  await sql`update identifai.sync_runs set heartbeat_at = now() - interval '1 hour' where status = 'running'`.execute(
    bench.app.db,
  )
  await bench.run()
  const { rows } = await sql`
    select status, chain_position, notes_through from identifai.sync_runs order by chain_position`.execute(
    bench.app.db,
  )
  expect(rows).toEqual([
    { status: 'interrupted', chain_position: 1, notes_through: 1 },
    { status: 'succeeded', chain_position: 2, notes_through: 1 },
  ])
})
