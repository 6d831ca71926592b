import type { DatabaseTime } from '../../platform/database-time.ts'
import { readClock } from '../../platform/postgres/clock.ts'
import { PauseTooLongError, type ThrottledError } from '../../platform/errors.ts'
import type { AnsweredRecord } from '../api/answered-records.ts'
import type { Claim } from '../queue/claim.ts'
import { delayBoundMs, withRetries } from '../api/retry.ts'
import { MAX_PAUSE_MS } from '../api/retry-after.ts'
import { PRIORITY } from '../queue/priority.ts'
import { knownRecords } from './known-records.ts'
import type { Pass } from './pass.ts'

/** With growing pauses this is about ten minutes: nobody else's burst lasts that long. */
const MAX_THROTTLED_IN_A_ROW = 15

/** One request and what came of it, between the two times that bound what it can tell. */
export type Exchange = {
  /** Database clock before the request left. */
  readonly askedAt: DatabaseTime
  /** Database clock after the answer had been received. */
  readonly receivedAt: DatabaseTime
} & (
  | { readonly kind: 'answered'; readonly records: readonly AnsweredRecord[] }
  /** The API's answer is cut short, as evidence. */
  | { readonly kind: 'refused' | 'too_long'; readonly status: number; readonly body: string }
)

/** Asks for one batch, within the quota, again while that may help. No transaction is open meanwhile. */
export async function askBatch(pass: Pass, claims: readonly Claim[]): Promise<Exchange> {
  const { config, signal, tally, telemetry, logger } = pass
  return withRetries(() => askOnce(pass, claims), {
    retries: config.retries,
    baseMs: config.retryBaseMs,
    signal,
    onRetry: (error, retry, delayMs) => {
      tally.retries++
      telemetry.requestRepeated('lost')
      logger.warn({ retry, delayMs, reason: error.message }, 'request failed, trying again')
    },
    onThrottled: (error, inARow) => pauseForQuota(pass, error, inARow),
  })
}

async function askOnce(pass: Pass, claims: readonly Claim[]): Promise<Exchange> {
  const urgent = claims.some((claim) => claim.priority > PRIORITY.sweep)
  const waitsSince = performance.now()
  const askedAt = await pass.quota.takeSlot({ urgent, signal: pass.signal })
  pass.telemetry.quotaWaited((performance.now() - waitsSince) / 1000)
  pass.tally.requests++
  const reply = await pass.api.read(
    claims.map((claim) => claim.identifier),
    pass.signal,
    knownRecords(claims),
  )
  if (reply.kind !== 'answered') return { ...reply, askedAt, receivedAt: await readClock(pass.db) }
  const receivedAt = await pass.quota.accepted()
  pass.httpDates.first ??= reply.httpDate
  pass.httpDates.last = reply.httpDate ?? pass.httpDates.last
  return { kind: 'answered', askedAt, receivedAt, records: reply.records }
}

/** Makes all processes wait, as long as the API says, or else longer each time; gives up where that is too long. */
async function pauseForQuota(pass: Pass, error: ThrottledError, inARow: number): Promise<void> {
  pass.tally.throttled++
  pass.tally.retries++
  pass.telemetry.requestRepeated('throttled')
  const pauseMs = error.retryAfterMs ?? delayBoundMs(inARow, pass.config.retryBaseMs)
  const minutes = Math.ceil(MAX_PAUSE_MS / 60_000)
  if (pauseMs > MAX_PAUSE_MS) {
    // Others would ask into the pause, each of them once.
    await pass.quota.pause(pauseMs)
    const asked = `${Math.ceil(pauseMs / 60_000)} minutes`
    throw new PauseTooLongError(
      `The API asks to wait ${asked} (Retry-After), longer than ${minutes}: run again then.`,
    )
  }
  if (inARow > MAX_THROTTLED_IN_A_ROW) {
    throw new PauseTooLongError(
      `The API has said ${inARow} times in a row that the quota is used up: something else uses the same key.`,
    )
  }
  pass.logger.warn({ pauseMs, inARow }, 'over the quota, everybody waits')
  await pass.quota.pause(pauseMs)
}
