import type { Endpoint } from '../../media/endpoint.ts'
import { retryDatabase } from '../../platform/postgres/retry-database.ts'
import { claimControlGroup } from '../queue/claim.ts'
import type { Batch } from './batch.ts'
import { type CircuitBreaker, CONTROLS } from './rules/circuit-breaker.ts'
import type { Run } from './run.ts'

/**
 * Claims a control group if the circuit breaker of a medium needs one now: finished identifiers, due or not, that the API
 * returned most recently. Returns undefined when it needs none, and resolves to undefined when no identifier is finished.
 */
export function takeControlGroup(
  run: Run,
  endpoint: Endpoint,
  { isEnd }: { readonly isEnd: boolean },
): Promise<Batch | undefined> | undefined {
  const breaker = run.breakers.get(endpoint) as CircuitBreaker
  const { requests } = run.tally
  return breaker.takeTurnForControlGroup({ requests, isEnd }) ? claim(run, endpoint, breaker) : undefined
}

async function claim(run: Run, endpoint: Endpoint, breaker: CircuitBreaker): Promise<Batch | undefined> {
  const { db, runId, config, tally, logger } = run
  const options = { media: endpoint.media, runId, limit: CONTROLS, leaseSeconds: config.leaseSeconds }
  const claims = await retryDatabase(() => claimControlGroup(db, options), logger)
  breaker.startControlGroup(claims.length)
  if (claims.length === 0) return undefined
  tally.claimed += claims.length
  logger.warn({ controls: claims.length }, 'responses in doubt, requesting a control group')
  return { endpoint, claims, isControlGroup: true }
}
