import { performance } from 'node:perf_hooks'
import { type LoadResult, loadBatch } from '../load/load-batch.ts'
import type { Outcome } from '../load/outcome.ts'
import type { Answer } from './held-outcomes.ts'
import type { Pass } from './pass.ts'
import type { Tally } from './tally.ts'

/** Writes the outcomes of one answer and counts them. */
export async function loadAnswer(pass: Pass, { askedAt, receivedAt, outcomes }: Answer): Promise<void> {
  if (outcomes.length === 0) return
  const startedAt = performance.now()
  const { runId, endpoint, logger } = pass
  const batch = { media: endpoint.media, runId, askedAt, receivedAt, outcomes }
  const result = await loadBatch(pass.pool, batch, (payload) => endpoint.canonicalize(payload))
  count(pass.tally, result)
  if (result.lost.length > 0) {
    logger.warn({ runId, lost: result.lost.length }, 'leases lost, nothing written for them')
  }
  const durationMs = Math.round(performance.now() - startedAt)
  logger.info({ runId, identifiers: outcomes.length, changed: result.changed, durationMs }, 'batch loaded')
}

function count(tally: Tally, result: LoadResult): void {
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
