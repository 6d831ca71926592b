import { performance } from 'node:perf_hooks'
import type { Claim } from '../extract/claim.ts'
import { type LoadResult, loadBatch } from '../load/load-batch.ts'
import type { Outcome } from '../load/outcome.ts'
import { askBatch } from './ask-batch.ts'
import { type AnswerReading, outcomesOf } from './outcomes-of.ts'
import type { Pass } from './pass.ts'
import type { Tally } from './tally.ts'

/** Takes one batch all the way: ask, validate, normalize, load, count. */
export async function processBatch(pass: Pass, claims: readonly Claim[]): Promise<void> {
  const startedAt = performance.now()
  const { askedAt, receivedAt, records } = await askBatch(pass, claims)
  const reading = outcomesOf(claims, records, { endpoint: pass.endpoint, policy: pass.config })
  warnOfOddities(pass, reading)
  const result = await loadBatch(
    pass.pool,
    { media: pass.endpoint.media, runId: pass.runId, askedAt, receivedAt, outcomes: reading.outcomes },
    (payload) => pass.endpoint.canonicalize(payload),
  )
  count(pass.tally, reading, result)
  if (result.lost.length > 0) {
    pass.logger.warn({ runId: pass.runId, lost: result.lost.length }, 'leases lost, nothing written for them')
  }
  pass.logger.info(
    {
      runId: pass.runId,
      identifiers: claims.length,
      changed: result.changed,
      durationMs: Math.round(performance.now() - startedAt),
    },
    'batch loaded',
  )
}

function warnOfOddities({ logger, runId }: Pass, { nameless, unasked, repeated }: AnswerReading): void {
  if (nameless + unasked + repeated === 0) return
  logger.warn({ runId, nameless, unasked, repeated }, 'records of the answer ignored')
}

function count(tally: Tally, reading: AnswerReading, result: LoadResult): void {
  tally.returned += reading.returned
  tally.changed += result.changed
  tally.unchanged += result.unchanged
  tally.force_changes += result.forceChanges
  tally.released += result.lost.length
  for (const outcome of result.written) tally[counterOf(outcome)]++
}

function counterOf(outcome: Outcome): keyof Tally {
  switch (outcome.kind) {
    case 'answered':
      return COUNTER_OF_STATUS[outcome.rows.revision.status]
    case 'not_returned':
      return 'not_returned'
    case 'quarantined':
      return 'quarantined'
  }
}

const COUNTER_OF_STATUS = { new: 'still_new', done: 'settled_done', errored: 'settled_errored' } as const
