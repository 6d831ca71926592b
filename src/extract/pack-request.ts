import type { Claim } from './claim.ts'
import { targetBytes } from './request-target.ts'

/**
 * Splits claims into those that go into the next request and those that wait for the one after: as many as fit
 * into `maxBytes` of request target. A lone one goes whatever its length.
 *
 * @param pathLength Bytes of the target before the query.
 */
export function packRequest(
  claims: readonly Claim[],
  pathLength: number,
  maxBytes: number,
): { readonly batch: readonly Claim[]; readonly rest: readonly Claim[] } {
  let bytes = pathLength
  const over = claims.findIndex((claim) => {
    bytes += targetBytes(claim.identifier)
    return bytes > maxBytes
  })
  const fitting = over === -1 ? claims.length : Math.max(over, 1)
  return { batch: claims.slice(0, fitting), rest: claims.slice(fitting) }
}
