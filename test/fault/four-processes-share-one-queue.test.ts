import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { startCannedApi } from '../support/canned-api.ts'
import { createTestApp } from '../support/test-app.ts'
import { createTestCli } from '../support/test-cli.ts'
import { sampleSize } from '../support/sample-size.ts'

const IDENTIFIERS = sampleSize(4000)
/** A process sends two requests at a time, so this one is from the fourth process. None gets a response before it. */
const FROM_ALL = 7

/** Some share a file and disagree on its label, so that workers lock the same same-file identifiers. */
function record(identifier: string) {
  const number = Number(identifier.slice(3))
  const hash = number % 10 === 0 ? `file-${number % 500}` : `file-of-${identifier}`
  return { identifier, status: 'done', hash, force_classification: number % 3 === 0 ? 'human' : null }
}

it('four processes on one queue never request an identifier at the same time, never deadlock, and finish all', async () => {
  const inFlight = new Set<string>()
  const twice: string[] = []
  const allStarted = Promise.withResolvers<void>()
  await using api = await startCannedApi((identifiers, response) => {
    for (const identifier of identifiers) {
      if (inFlight.has(identifier)) twice.push(identifier)
      inFlight.add(identifier)
    }
    if (api.requests.length === FROM_ALL) allStarted.resolve()
    void respond(identifiers, response)
    return undefined
  })
  const respond = async (identifiers: readonly string[], response: ServerResponse) => {
    await allStarted.promise
    await sleep(20)
    for (const identifier of identifiers) inFlight.delete(identifier)
    response.end(JSON.stringify(identifiers.map(record)))
  }
  await using bench = await createTestApp()
  using cli = createTestCli()
  await sql`insert into identifai.identifiers (identifier) select 'id-' || n from generate_series(1, ${IDENTIFIERS}) n`.execute(
    bench.database.db,
  )
  const environment = {
    DATABASE_URL: bench.database.url,
    IDENTIFAI_API_URL: api.url,
    IDENTIFAI_API_KEY: 'key',
    SYNC_REQUESTS_PER_SECOND: '100000',
    SYNC_REQUESTS_PER_MINUTE: '6000000',
    LOG_LEVEL: 'warn',
  }
  const processes = Array.from({ length: 4 }, () => cli.run(['sync'], environment))
  const results = await Promise.all(processes)

  expect(results.map(({ code, stderr }) => [code, stderr])).toEqual(results.map(() => [0, '']))
  expect(twice).toEqual([])
  const requested = new Set(api.requests.flat())
  expect(requested.size).toBe(IDENTIFIERS)
  const { rows } = await sql`
    select i.state, count(*) as identifiers, count(i.leased_by) as leased, sum(r.revisions) as revisions
    from identifai.identifiers i
    join (select classification_id as id, count(*) as revisions
          from identifai.classification_revisions group by 1) r using (id) group by 1`.execute(
    bench.database.db,
  )
  expect(rows).toEqual([
    { state: 'done', identifiers: IDENTIFIERS, leased: 0, revisions: String(IDENTIFIERS) },
  ])
  const runs = await bench.database.db
    .selectFrom('identifai.sync_runs')
    .select(['status', 'claimed'])
    .execute()
  expect(runs.map(({ status }) => status)).toEqual(['succeeded', 'succeeded', 'succeeded', 'succeeded'])
  expect(Math.min(...runs.map(({ claimed }) => claimed))).toBeGreaterThan(0)
})
