import type { DatabaseTime } from '../../platform/database-time.ts'
import { readClock } from '../../platform/postgres/clock.ts'
import { PauseTooLongError, type ThrottledError } from '../../platform/errors.ts'
import type { ResponseRecord } from '../api/response-records.ts'
import type { Claim } from '../queue/claim.ts'
import { delayBoundMs, withRetries } from '../api/retry.ts'
import { MAX_PAUSE_MS } from '../api/retry-after.ts'
import { PRIORITY } from '../queue/priority.ts'
import { knownRecords } from './identical-records.ts'
import type { Run } from './run.ts'

/** With growing pauses this is about ten minutes: nobody else's burst lasts that long. */
const MAX_THROTTLED_IN_A_ROW = 15

/** One request and what came of it, between the two times that bound what it can tell. */
export type Exchange = {
  /** Database clock before the request left. */
  readonly requestedAt: DatabaseTime
  /** Database clock after the answer had been received. */
  readonly receivedAt: DatabaseTime
} & (
  | { readonly kind: 'answered'; readonly records: readonly ResponseRecord[] }
  /** The API's answer is cut short, as evidence. */
  | { readonly kind: 'refused' | 'too_long'; readonly status: number; readonly body: string }
)

/** Asks for one batch, within the quota, again while that may help. No transaction is open meanwhile. */
export async function requestBatch(run: Run, claims: readonly Claim[]): Promise<Exchange> {
  const { config, signal, tally, telemetry, logger } = run
  return withRetries(() => requestOnce(run, claims), {
    retries: config.retries,
    baseMs: config.retryBaseMs,
    signal,
    onRetry: (error, retry, delayMs) => {
      tally.retries++
      telemetry.requestRepeated('lost')
      logger.warn({ retry, delayMs, reason: error.message }, 'request failed, retrying')
    },
    onThrottled: (error, inARow) => pauseForQuota(run, error, inARow),
  })
}

async function requestOnce(run: Run, claims: readonly Claim[]): Promise<Exchange> {
  const urgent = claims.some((claim) => claim.priority > PRIORITY.refresh)
  const waitsSince = performance.now()
  const requestedAt = await run.quota.takeSlot({ urgent, signal: run.signal })
  run.telemetry.quotaWaited((performance.now() - waitsSince) / 1000)
  run.tally.requests++
  const reply = await run.api.read(
    claims.map((claim) => claim.identifier),
    run.signal,
    knownRecords(claims),
  )
  if (reply.kind !== 'answered') return { ...reply, requestedAt, receivedAt: await readClock(run.db) }
  const receivedAt = await run.quota.accepted()
  run.httpDates.first ??= reply.httpDate
  run.httpDates.last = reply.httpDate ?? run.httpDates.last
  return { kind: 'answered', requestedAt, receivedAt, records: reply.records }
}

/** Makes all processes wait, as long as the API says, or else longer each time; gives up where that is too long. */
async function pauseForQuota(run: Run, error: ThrottledError, inARow: number): Promise<void> {
  run.tally.throttled++
  run.tally.retries++
  run.telemetry.requestRepeated('throttled')
  const pauseMs = error.retryAfterMs ?? delayBoundMs(inARow, run.config.retryBaseMs)
  const minutes = Math.ceil(MAX_PAUSE_MS / 60_000)
  if (pauseMs > MAX_PAUSE_MS) {
    // Others would ask into the pause, each of them once.
    await run.quota.pause(pauseMs)
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
  run.logger.warn({ pauseMs, inARow }, 'quota exceeded, all processes pause')
  await run.quota.pause(pauseMs)
}
