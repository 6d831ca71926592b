import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import {
  advance,
  initializePosition,
  readWebhookFailure,
  recordFailure,
  releasePosition,
  takePosition,
} from '../../../../src/operations/webhook/position.ts'
import { sealHistory } from '../../../support/seal-history.ts'
import { createTestDatabase } from '../../../support/test-database.ts'

const [ONE, OTHER] = [randomUUID(), randomUUID()]

it('one process at a time has the position of the webhook, until it releases it or its lease ends', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  await sealHistory(db, [])
  await initializePosition(db)
  expect(await takePosition(db, ONE), 'only runs that are sealed from now on count').toBeNull()
  await sealHistory(db, [])
  await initializePosition(db)
  const start = { chain_position: 2, classification_id: 0, revision_no: 0, quarantine_id: 0 }
  expect(await takePosition(db, ONE)).toEqual(start)
  expect(await takePosition(db, OTHER)).toBeNull()
  expect(await advance(db, OTHER, { ...start, revision_no: 9 })).toBe(false)
  const next = { ...start, classification_id: 1, revision_no: 1 }
  expect(await advance(db, ONE, next)).toBe(true)
  await releasePosition(db, OTHER)
  expect(await takePosition(db, OTHER)).toBeNull()
  await releasePosition(db, ONE)
  expect(await takePosition(db, OTHER)).toEqual(next)
  await sql`update identifai.webhook_position set lease_until = now() - interval '1 second'`.execute(db)
  expect(await takePosition(db, ONE)).toEqual(next)
})

it('a failure has the time of the first one since the last delivery, and the last error', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  await initializePosition(db)
  await sealHistory(db, [])
  const position = await takePosition(db, ONE)
  expect(await readWebhookFailure(db)).toBeNull()
  await recordFailure(db, ONE, 'status 500')
  const first = await readWebhookFailure(db)
  await recordFailure(db, ONE, 'status 503')
  expect(await readWebhookFailure(db)).toMatchObject({
    failing_since: first?.failing_since,
    last_error: 'status 503',
  })
  if (position) await advance(db, ONE, position)
  expect(await readWebhookFailure(db)).toBeNull()
})

it('a failure stays when its daemon stops, until none was tried within a day', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  await initializePosition(db)
  await sealHistory(db, [])
  await takePosition(db, ONE)
  await recordFailure(db, ONE, 'status 500')
  await releasePosition(db, ONE)
  expect(await readWebhookFailure(db)).toMatchObject({ last_error: 'status 500' })
  await sql`update identifai.webhook_position set lease_until = lease_until - interval '25 hours'`.execute(db)
  expect(await readWebhookFailure(db)).toBeNull()
})
