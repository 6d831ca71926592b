import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { fits } from '../../../../src/pipeline/replay/load-quarantined.ts'
import type { ReplayTools } from '../../../../src/pipeline/replay/options.ts'
import { quarantinedPages } from '../../../../src/pipeline/replay/quarantined.ts'
import type { JsonObject } from '../../../../src/platform/json.ts'
import { createTestApp } from '../../../support/test-app.ts'

const NEVER = new AbortController().signal

async function read(tools: ReplayTools, since: string | null = null) {
  return (await Array.fromAsync(quarantinedPages(tools, { since, signal: NEVER }))).flat()
}

async function quarantine(
  { db }: ReplayTools,
  evidence: {
    readonly record: JsonObject & { readonly identifier: string }
    readonly isResolved: boolean
    readonly reason?: 'invalid_payload' | 'unstorable'
    readonly receivedAt?: string
  },
): Promise<void> {
  const { record, isResolved, reason = 'invalid_payload', receivedAt = '2026-06-01Z' } = evidence
  await sql`
    insert into identifai.quarantined_payloads (media, identifier, run_id, requested_at, received_at, reason, issues,
      payload, resolved_at)
    values ('audio', ${record.identifier}, gen_random_uuid(), ${receivedAt}, ${receivedAt}, ${reason}, '[]',
      ${JSON.stringify(record)}, case when ${isResolved} then now() end)`.execute(db)
}

it('a replay reads the quarantined identifiers whose open evidence is records alone, and loads none with a bad record', async () => {
  await using bench = await createTestApp()
  const { app } = bench
  await bench.enqueue(['good', 'mixed', 'resolved', 'partly'])
  await sql`update identifai.identifiers set state = 'quarantined', due_at = null`.execute(app.db)
  const evidence = [
    ['good', 'invalid_payload', 'done', false],
    ['mixed', 'invalid_payload', 'done', false],
    ['mixed', 'unstorable', 'done', false],
    ['resolved', 'unstorable', 'done', true],
    ['resolved', 'invalid_payload', 'done', false],
    ['partly', 'invalid_payload', 5, false],
    ['partly', 'invalid_payload', 'done', false],
  ] as const
  for (const [identifier, reason, status, isResolved] of evidence) {
    await quarantine(app, { record: { identifier, status }, reason, isResolved })
  }
  const found = await read(app)
  expect(found.map((one) => [one.records[0]?.record.identifier, one.records.length, fits(one)])).toEqual([
    ['good', 1, true],
    ['partly', 2, false],
    ['resolved', 1, true],
  ])
})

it('a replay since a time leaves an identifier that has an older open record', async () => {
  await using bench = await createTestApp()
  const { app } = bench
  await bench.enqueue(['newer', 'both', 'resolved'])
  await sql`update identifai.identifiers set state = 'quarantined', due_at = null`.execute(app.db)
  const evidence = [
    ['newer', '2026-06-02Z', false],
    ['both', '2026-06-01Z', false],
    ['both', '2026-06-02Z', false],
    ['resolved', '2026-06-01Z', true],
    ['resolved', '2026-06-02Z', false],
  ] as const
  for (const [identifier, receivedAt, isResolved] of evidence) {
    await quarantine(app, { record: { identifier }, receivedAt, isResolved })
  }
  const found = await read(app, '2026-06-02Z')
  expect(found.map((one) => one.records[0]?.record.identifier)).toEqual(['newer', 'resolved'])
})
