import type { IdenticalRecords } from '../api/response-records.ts'
import type { Claim } from '../queue/claim.ts'

/** A claim of an identifier whose last answer was finished, and may come again as it was. */
export type KnownClaim = Claim & { readonly state: 'done' | 'errored'; readonly recordDigest: string }

/** The records of these claims that would say nothing new. */
export function knownRecords(claims: readonly Claim[]): IdenticalRecords {
  return new Map(claims.filter(isKnown).map(({ recordDigest, identifier }) => [recordDigest, identifier]))
}

function isKnown(claim: Claim): claim is KnownClaim {
  return (claim.state === 'done' || claim.state === 'errored') && claim.recordDigest !== null
}
