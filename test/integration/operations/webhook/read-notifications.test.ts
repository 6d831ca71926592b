import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { readNotifications } from '../../../../src/operations/webhook/read-notifications.ts'
import { newRun, openRun } from '../../../../src/pipeline/run/run-rows.ts'
import { at, firstRevision, forced } from '../../../support/july.ts'
import { sealHistory, writeRevisions } from '../../../support/seal-history.ts'
import { createTestDatabase } from '../../../support/test-database.ts'

it('notifications are the changes between finished records in sealed runs, after a position', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  await sealHistory(db, [
    ...firstRevision([1, 2]),
    ...firstRevision([3], { force_classification: 'human', causes: ['first_seen', 'already_forced'] }),
  ])
  await sealHistory(db, [
    forced(1, at(2), at(3), { status: 'new', causes: ['metadata_changed'] }),
    forced(1, at(2), at(4), { revision_no: 3 }),
    forced(2, at(2), at(4)),
  ])
  const open = newRun('manual')
  await openRun(db, open)
  await writeRevisions(db, open.runId, [
    forced(2, at(4), at(5), {
      revision_no: 3,
      force_classification: 'artificial',
      causes: ['force_changed'],
    }),
  ])
  const after = async (position: object) => {
    const start = { chain_position: 1, classification_id: 0, revision_no: 0, quarantine_id: 0, ...position }
    const steps = await Array.fromAsync(readNotifications(db, start))
    return steps.flatMap(({ notification }) =>
      notification?.type === 'force.observed' ? [notification.data] : [],
    )
  }
  const common = { chain_position: 2, event: 'forced', forced_from: null, forced_to: 'human' }
  const [first, second] = [
    { ...common, classification_id: 1, revision_no: 3 },
    { ...common, classification_id: 2, revision_no: 2 },
  ]
  expect(await after({})).toMatchObject([first, second])
  expect(await after({ chain_position: 2, classification_id: 1, revision_no: 3 })).toMatchObject([second])
  expect(await after({ chain_position: 3 })).toEqual([])
})

it('a run with more changes and quarantined records than are read together has a notification for each, in order', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const ids = Array.from({ length: 250 }, (_, n) => n + 1)
  await sealHistory(db, firstRevision(ids))
  const { run_id: runId } = await sealHistory(
    db,
    ids.map((id) => forced(id, at(2), at(3))),
  )
  await sql`
    insert into identifai.quarantined_payloads
      (media, identifier, run_id, requested_at, received_at, reason, issues)
    select 'audio', n, ${runId}::uuid, now(), now(), 'unstorable', '[]' from generate_series(1, 250) as n`.execute(
    db,
  )
  const start = { chain_position: 2, classification_id: 0, revision_no: 0, quarantine_id: 0 }
  const steps = await Array.fromAsync(readNotifications(db, start))
  const identifiers = steps.flatMap(({ notification }) => notification?.data.identifier ?? [])
  expect(identifiers).toEqual([...ids.map((id) => `id-${id}`), ...ids.map(String)])
})
