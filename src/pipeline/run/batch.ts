import type { Endpoint } from '../../media/endpoint.ts'
import type { Claim } from '../queue/claim.ts'

/** Claims of one medium that are requested together. */
export interface Batch {
  readonly endpoint: Endpoint
  readonly claims: readonly Claim[]
  /** They are finished, due or not, and show if the API still returns those. */
  readonly isControlGroup: boolean
}
