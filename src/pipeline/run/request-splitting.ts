import type { Claim } from '../queue/claim.ts'
import { packRequest } from '../api/pack-request.ts'
import { targetBytes } from '../api/request-target.ts'
import { requestBatch, type Exchange } from './request-batch.ts'
import type { Run } from './run.ts'

/** What became of some of a batch's claims: an answer for them, or the refusal of a lone one. */
export type BatchResponse =
  | { readonly claims: readonly Claim[]; readonly exchange: Extract<Exchange, { kind: 'answered' }> }
  | { readonly claims: readonly [Claim]; readonly exchange: Exclude<Exchange, { kind: 'answered' }> }

/**
 * Asks for a batch and takes it apart for as long as the API refuses it, until each culprit stands alone and all
 * others are answered. The parts come one after the other, so that each is loaded while the next is asked for.
 *
 * A refused whole whose first half is answered has its culprit in the second: that half is taken apart unasked. So a
 * single culprit among n costs at most about 2 log2 n requests more.
 */
export async function* requestSplitting(run: Run, batch: readonly Claim[]): AsyncGenerator<BatchResponse> {
  yield* apart(run, batch, false)
}

/** Returns whether anything in `claims` was refused. */
async function* apart(
  run: Run,
  claims: readonly Claim[],
  isKnownBad: boolean,
): AsyncGenerator<BatchResponse, boolean> {
  if (!isKnownBad || claims.length === 1) {
    const exchange = await requestBatch(run, claims)
    if (exchange.kind === 'answered') {
      yield { claims, exchange }
      return false
    }
    const [lone, ...others] = claims
    if (lone && others.length === 0) {
      yield { claims: [lone], exchange }
      return true
    }
    if (exchange.kind === 'too_long') {
      yield* shorter(run, claims)
      return true
    }
    run.logger.warn({ identifiers: claims.length, status: exchange.status }, 'batch refused, split')
  }
  const middle = Math.ceil(claims.length / 2)
  const refused = yield* apart(run, claims.slice(0, middle), false)
  yield* apart(run, claims.slice(middle), !refused)
  return true
}

/** Asks again in shorter requests, after lowering what the rest of the pass puts into one. */
async function* shorter(run: Run, claims: readonly Claim[]): AsyncGenerator<BatchResponse> {
  const half = claims.slice(0, Math.ceil(claims.length / 2))
  const bytes = half.reduce((sum, claim) => sum + targetBytes(claim.identifier), run.targetPathBytes)
  run.packing.maxUrlBytes = Math.min(run.packing.maxUrlBytes, bytes)
  const { maxUrlBytes } = run.packing
  run.logger.warn({ identifiers: claims.length, maxUrlBytes }, 'request too long, batch halved')
  for (let waiting = claims; waiting.length > 0; ) {
    const { batch, rest } = packRequest(waiting, {
      pathBytes: run.targetPathBytes,
      maxBytes: run.packing.maxUrlBytes,
    })
    yield* apart(run, batch, false)
    waiting = rest
  }
}
