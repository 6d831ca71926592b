import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { audioEndpoint } from '../../src/media/audio/endpoint.ts'
import { type Claim, claimDue, startOfClaims } from '../../src/pipeline/queue/claim.ts'
import { loadBatch } from '../../src/pipeline/load/load-batch.ts'
import { outcomesOf } from '../../src/pipeline/run/rules/outcomes-of.ts'
import { openRun } from '../../src/pipeline/run/run-rows.ts'
import { readClock } from '../../src/platform/postgres/clock.ts'
import { responseRecords } from './response-records.ts'
import { createTestDatabase } from './test-database.ts'

export type TestQueue = Awaited<ReturnType<typeof createTestQueue>>

/** A queue in a database of its own, with one open run and without an API. */
export async function createTestQueue() {
  const database = await createTestDatabase()
  const { db, pool } = database

  async function newRun(): Promise<string> {
    const runId = randomUUID()
    await openRun(db, { runId, trigger: 'manual', host: 'h', pid: 1, version: '0' })
    return runId
  }
  const run = await newRun()

  return {
    db,
    pool,
    /** The run that claims and loads unless another is given. */
    run,
    newRun,
    track: async (...identifiers: string[]) => {
      for (const identifier of identifiers) {
        await sql`insert into identifai.identifiers (identifier) values (${identifier})`.execute(db)
      }
    },
    claim: async (
      runId = run,
      {
        media = 'audio',
        ...options
      }: { media?: string; deferredToo?: boolean; limit?: number; leaseSeconds?: number } = {},
    ): Promise<Claim[]> => {
      const places = await startOfClaims(db, { media, leastPriority: -100 })
      return claimDue(db, {
        media,
        deferredToo: true,
        runId,
        limit: 100,
        leaseSeconds: 60,
        places,
        ...options,
      })
    },
    /** The row of a tracked identifier. `due` is true when it is due now, `dueAfterSeconds` counts from its last request. */
    rowOf: (identifier: string) =>
      db
        .selectFrom('identifai.identifiers')
        .selectAll()
        .select([
          sql<boolean>`due_at <= now()`.as('due'),
          sql<number>`round(extract(epoch from due_at - last_requested_at))::int`.as('dueAfterSeconds'),
        ])
        .where('identifier', '=', identifier)
        .executeTakeFirstOrThrow(),
    /** Sets columns of a tracked identifier, as SQL. */
    set: async (identifier: string, columns: string) => {
      await sql`update identifai.identifiers set ${sql.raw(columns)} where identifier = ${identifier}`.execute(
        db,
      )
    },
    /** Loads a finished record for each claim, with `more` members; a response without records where that is null. */
    load: async (claims: readonly Claim[], runId = run, requestedAt?: string, more: object | null = {}) => {
      const policy = { missingAfter: 5, refreshHours: 12 }
      const records = more ? claims.map(({ identifier }) => ({ identifier, status: 'done', ...more })) : []
      const { outcomes } = outcomesOf(claims, responseRecords(records), { endpoint: audioEndpoint, policy })
      const now = await readClock(db)
      return loadBatch(pool, {
        endpoint: audioEndpoint,
        runId,
        requestedAt: requestedAt ?? now,
        receivedAt: now,
        outcomes,
      })
    },
    countRevisions: async () =>
      (await sql`select from identifai.classification_revisions`.execute(db)).rows.length,
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}
