import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { fits } from '../../../../src/pipeline/replay/load-quarantined.ts'
import type { ReplayTools } from '../../../../src/pipeline/replay/options.ts'
import { quarantinedPages } from '../../../../src/pipeline/replay/quarantined.ts'
import { createTestApp } from '../../../support/test-app.ts'

const options = { since: null, signal: new AbortController().signal }

async function read(tools: ReplayTools) {
  return (await Array.fromAsync(quarantinedPages(tools, options))).flat()
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
    await sql`
      insert into identifai.quarantined_payloads (media, identifier, run_id, requested_at, received_at, reason, issues,
        payload, resolved_at)
      values ('audio', ${identifier}, gen_random_uuid(), now(), now(), ${reason}, '[]',
        ${JSON.stringify({ identifier, status })}, case when ${isResolved} then now() end)`.execute(app.db)
  }
  const found = await read(app)
  expect(found.map((one) => [one.records[0]?.record.identifier, one.records.length, fits(one)])).toEqual([
    ['good', 1, true],
    ['partly', 2, false],
    ['resolved', 1, true],
  ])
})
