import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { registerQueueGauges } from '../../../../src/operations/daemon/queue-gauges.ts'
import { createLogger } from '../../../../src/platform/logger.ts'
import { createTestDatabase, type TestDatabase } from '../../../support/test-database.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

it.each([
  ['the start of the daemon where they are expected', new Date('2026-07-01T00:00:00Z'), 1_782_864_000],
  ['no value where they are not', null, undefined],
])('before the first timestamp and verification, their metrics have %s', async (_, since, expected) => {
  const registry = new Registry()
  registerQueueGauges({
    registry,
    db: () => database.db,
    metricsDb: () => database.db,
    logger: createLogger({ level: 'silent', terminal: false }),
    overdueHours: 26,
    timestampsSince: since,
    verifiedSince: since,
    hasWebhook: false,
  })
  const text = await registry.metrics()
  const valueOf = (name: string) => {
    const [, value] = new RegExp(`^identifai_sync_${name} (.+)$`, 'm').exec(text) ?? []
    return value === undefined ? undefined : Number(value)
  }
  expect(valueOf('database_up')).toBe(1)
  expect(valueOf('last_verification_timestamp_seconds')).toBe(expected)
  expect(valueOf('newest_token_timestamp_seconds')).toBe(expected)
})
