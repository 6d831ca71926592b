import type { Endpoint } from '../../media/endpoint.ts'
import {
  ApiUnavailableError,
  PauseTooLongError,
  RetryableError,
  ThrottledError,
} from '../../platform/errors.ts'
import { readClock } from '../../platform/postgres/clock.ts'
import { retryDatabase } from '../../platform/postgres/retry-database.ts'
import { delayBoundMs, RETRY_POLICY, retry } from '../../platform/retry.ts'
import type { DatabaseTime } from '../../platform/time.ts'
import { refuseLongPause } from '../api/quota.ts'
import { packRequest, targetBytes, targetPathBytes } from '../api/request.ts'
import { storeSizeLimit } from '../api/size-limit.ts'
import type { Claim } from '../queue/claim.ts'
import { PRIORITY } from '../queue/priority.ts'
import type { CircuitBreaker } from './rules/circuit-breaker.ts'
import { lastRecordsOf, outcomeOfRefusal, outcomesOf, type ResponseReading } from './rules/outcomes-of.ts'
import type { Run } from './run.ts'

/** One request and its response, between the two times that bound the interval of a change. */
type Exchange = {
  /** Database clock before the request left. */
  readonly requestedAt: DatabaseTime
  /** Database clock after the response had been received. */
  readonly receivedAt: DatabaseTime
} & (
  | { readonly kind: 'records'; readonly reading: ResponseReading }
  /** The body is cut, as evidence. */
  | { readonly kind: 'refused' | 'too_long'; readonly status: number; readonly body: string }
)

/** The response for some claims of a batch. A refusal has the claim that was requested alone, or none before a split. */
export type BatchResponse = Exchange & {
  readonly claims: readonly Claim[]
  readonly reading: ResponseReading
}

/**
 * Requests a batch and splits it while the API refuses it. At the end each cause is alone in its request, and all other claims
 * have a response. The parts are requested one after the other, so that each is loaded while the next is requested.
 *
 * When a batch is refused and its first half is not, the cause is in the second half, which is split without a request. So
 * one cause among n claims needs at most about 2 log2 n more requests.
 *
 * While the run has had nothing but refusals, its address may be wrong. Then the claims are requested alone, because the
 * circuit breaker needs the refusals of a few to decide.
 */
export async function* requestBatch(
  run: Run,
  endpoint: Endpoint,
  batch: readonly Claim[],
): AsyncGenerator<BatchResponse> {
  yield* requestSplitting(run, endpoint, batch, false)
}

/** Returns whether the API refused any of `claims`. */
async function* requestSplitting(
  run: Run,
  endpoint: Endpoint,
  claims: readonly Claim[],
  isKnownBad: boolean,
): AsyncGenerator<BatchResponse, boolean> {
  if (!isKnownBad || claims.length === 1) {
    const exchange = await requestRetrying(run, endpoint, claims)
    if (exchange.kind === 'records') {
      yield { ...exchange, claims }
      return false
    }
    const [single, ...others] = claims
    if (single && others.length === 0) {
      const outcomes = [outcomeOfRefusal(single, exchange, run.config)]
      yield { ...exchange, claims, reading: { ...NO_RECORDS, outcomes } }
      return true
    }
    if (exchange.kind === 'too_long') {
      yield* requestShorter(run, endpoint, claims)
      return true
    }
    run.logger.warn({ identifiers: claims.length, status: exchange.status }, 'batch refused, split')
    yield { ...exchange, claims: [], reading: { ...NO_RECORDS, outcomes: [] } }
  }
  const breaker = run.breakers.get(endpoint) as CircuitBreaker
  const middle = breaker.isRefusedOnly ? 1 : Math.ceil(claims.length / 2)
  const isRefused = yield* requestSplitting(run, endpoint, claims.slice(0, middle), false)
  yield* requestSplitting(run, endpoint, claims.slice(middle), !isRefused || breaker.isRefusedOnly)
  return true
}

const NO_RECORDS = { returned: 0, nameless: 0, unrequested: 0, repeated: 0 }

/** Repeats the request in shorter ones, and lowers the length of all further requests of this run and later ones. */
async function* requestShorter(
  run: Run,
  endpoint: Endpoint,
  claims: readonly Claim[],
): AsyncGenerator<BatchResponse> {
  const pathBytes = targetPathBytes(run.config.apiUrl, endpoint.path)
  const half = claims.slice(0, Math.ceil(claims.length / 2))
  const bytes = half.reduce((sum, claim) => sum + targetBytes(claim.identifier), pathBytes)
  run.maxUrlBytes = Math.min(run.maxUrlBytes, bytes)
  const { maxUrlBytes } = run
  run.logger.warn({ identifiers: claims.length, maxUrlBytes }, 'request too long, batch halved')
  await retryDatabase(() => storeSizeLimit(run.db, run.config.apiUrl, maxUrlBytes), run.logger)
  for (let waiting = claims; waiting.length > 0; ) {
    const { batch, rest } = packRequest(waiting, { pathBytes, maxBytes: run.maxUrlBytes })
    yield* requestSplitting(run, endpoint, batch, false)
    waiting = rest
  }
}

/** Requests some claims within the quota, and repeats the request while that may help. Holds no transaction open. */
async function requestRetrying(run: Run, endpoint: Endpoint, claims: readonly Claim[]): Promise<Exchange> {
  const { config, signal, tally, telemetry, logger } = run
  return retry(() => requestThrottled(run, endpoint, claims), {
    retries: config.retries,
    baseMs: config.retryBaseMs,
    maxDelayMs: RETRY_POLICY.request.maxDelayMs,
    signal,
    isRetryable: (error) => error instanceof RetryableError,
    onRetry: (error, retryNo, delayMs) => {
      tally.retries++
      telemetry.requestRepeated('failed')
      logger.warn({ retry: retryNo, delayMs, reason: error.message }, 'request failed, retrying')
    },
  })
}

/** Repeats a throttled request after a pause of all processes; it uses up no retry. */
async function requestThrottled(run: Run, endpoint: Endpoint, claims: readonly Claim[]): Promise<Exchange> {
  const urgent = claims.some((claim) => claim.priority > PRIORITY.refresh)
  for (;;) {
    const startedAt = performance.now()
    const requestedAt = await run.quota.takeSlot({ urgent, signal: run.signal })
    run.telemetry.quotaWaited((performance.now() - startedAt) / 1000)
    try {
      return await requestOnce(run, endpoint, claims, requestedAt)
    } catch (error) {
      if (error instanceof ApiUnavailableError && error.isPage) refusePages(run, endpoint, error)
      if (error instanceof ApiUnavailableError) await pauseAsRequested(run, error)
      if (!(error instanceof ThrottledError)) throw error
      await pauseForQuota(run, error, requestedAt)
    }
  }
}

async function requestOnce(
  run: Run,
  endpoint: Endpoint,
  claims: readonly Claim[],
  requestedAt: DatabaseTime,
): Promise<Exchange> {
  run.tally.requests++
  const identifiers = claims.map((claim) => claim.identifier)
  const lastRecords = lastRecordsOf(claims)
  const reply = await run.api.read({ path: endpoint.path, identifiers, lastRecords }, run.signal)
  if (reply.kind !== 'records') return { ...reply, requestedAt, receivedAt: await readClock(run.db) }
  const reading = outcomesOf(claims, reply.records, { endpoint, policy: run.config })
  const receivedAt = await run.quota.accepted()
  run.httpDates.first ??= reply.httpDate
  run.httpDates.last = reply.httpDate ?? run.httpDates.last
  return { kind: 'records', requestedAt, receivedAt, reading }
}

/** Throws where the run has had nothing but web pages, because another attempt would get one, too. */
function refusePages(run: Run, endpoint: Endpoint, { message }: ApiUnavailableError): void {
  const broken = (run.breakers.get(endpoint) as CircuitBreaker).observePage(message)
  if (broken !== undefined) throw broken
}

/** Makes all processes wait when a response other than 429 requests it. */
async function pauseAsRequested(run: Run, { retryAfterMs, message }: ApiUnavailableError): Promise<void> {
  if (retryAfterMs === undefined) return
  await run.quota.pause(retryAfterMs)
  run.logger.warn({ pauseMs: retryAfterMs, reason: message }, 'API requests a pause, all processes pause')
  refuseLongPause(retryAfterMs)
}

/** Makes all processes wait, as long as the API requests, or longer each time; throws where that is too long. */
async function pauseForQuota(run: Run, error: ThrottledError, requestedAt: DatabaseTime): Promise<void> {
  const { maxThrottledInARow, maxDelayMs } = RETRY_POLICY.request
  const inARow = run.quota.throttled(requestedAt)
  run.tally.throttled++
  run.tally.retries++
  run.telemetry.requestRepeated('throttled')
  const pauseMs = error.retryAfterMs ?? delayBoundMs(inARow, { baseMs: run.config.retryBaseMs, maxDelayMs })
  // Also where the run ends, because otherwise other processes would each send one request into the pause.
  const slowdown = await run.quota.pauseForQuota(pauseMs, requestedAt)
  run.logger.warn({ pauseMs, inARow, slowdown }, 'quota exceeded, all processes pause')
  refuseLongPause(pauseMs)
  if (inARow > maxThrottledInARow) {
    throw new PauseTooLongError(
      `The API reported ${inARow} times in a row that the quota is used up.`,
      'Find out which other program uses the same key.',
    )
  }
}
