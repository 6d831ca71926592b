import type { Claim } from '../queue/claim.ts'
import { targetBytes } from './request-target.ts'

export interface RequestBounds {
  /** Bytes of the target before the query. */
  readonly pathBytes: number
  /** Bytes of the whole target at most. */
  readonly maxBytes: number
}

/**
 * Splits claims into those that go into the next request and those that wait for the one after, in their order: as
 * many as fit into its bytes and into the request limit of each of them. The first goes whatever its length.
 */
export function packRequest(
  claims: readonly Claim[],
  { pathBytes, maxBytes }: RequestBounds,
): { readonly batch: readonly Claim[]; readonly rest: readonly Claim[] } {
  const batch: Claim[] = []
  const rest: Claim[] = []
  let bytes = pathBytes
  let limit = Number.POSITIVE_INFINITY
  for (const claim of claims) {
    const itsBytes = targetBytes(claim.identifier)
    const itsLimit = Math.min(limit, claim.requestLimit ?? Number.POSITIVE_INFINITY)
    const fits = batch.length < itsLimit && bytes + itsBytes <= maxBytes
    if (batch.length > 0 && !fits) rest.push(claim)
    else {
      batch.push(claim)
      bytes += itsBytes
      limit = itsLimit
    }
  }
  return { batch, rest }
}
