import { type DatabaseTime, readClock } from '../db/clock.ts'
import { ApiAnswerError, type ApiUnavailableError } from '../errors.ts'
import type { Claim } from '../extract/claim.ts'
import { withRetries } from '../extract/retry.ts'
import type { Json } from '../json.ts'
import type { Pass } from './pass.ts'

/** One answer, between the two times that bound what it can tell. */
export interface Exchange {
  /** Database clock before the request left. */
  readonly askedAt: DatabaseTime
  /** Database clock after the answer had been received. */
  readonly receivedAt: DatabaseTime
  readonly records: readonly Json[]
}

/** Asks for one batch, within the quota, again while that may help. No transaction is open meanwhile. */
export async function askBatch(pass: Pass, claims: readonly Claim[]): Promise<Exchange> {
  const { config, signal, tally, logger } = pass
  return withRetries(() => askOnce(pass, claims), {
    retries: config.retries,
    baseMs: config.retryBaseMs,
    signal,
    onRetry: (error, attempt, delayMs) => {
      tally.retries++
      logger.warn({ attempt, delayMs, reason: error.message }, 'request failed, trying again')
    },
  })
}

async function askOnce(pass: Pass, claims: readonly Claim[]): Promise<Exchange> {
  const askedAt = await pass.quota.takeSlot(pass.signal)
  pass.tally.requests++
  const reply = await pass.api
    .read(
      claims.map((claim) => claim.identifier),
      pass.signal,
    )
    .catch((error: ApiUnavailableError) => {
      if (error.status === 429) pass.tally.throttled++
      throw error
    })
  const receivedAt = await readClock(pass.db)
  if (reply.kind !== 'answered') {
    throw new ApiAnswerError(
      `The API refused a request for ${claims.length} identifiers (${reply.status}): ${reply.body.slice(0, 200)}`,
    )
  }
  pass.httpDates.first ??= reply.httpDate
  pass.httpDates.last = reply.httpDate ?? pass.httpDates.last
  return { askedAt, receivedAt, records: reply.records }
}
