/** The limits of a request: how many identifiers it holds, and how often one may leave. */
export interface RequestRules {
  readonly batchSize: number
  /** Bytes of the whole request target at most. */
  readonly maxUrlBytes: number
  /** Bytes of the target before the query. */
  readonly pathBytes: number
  readonly spacingSeconds: number
}

export interface Cost {
  readonly requests: number
  /** Time that the requests take at the quota, without the time of the network. */
  readonly minutes: number
}

/** Identifiers to request, with the bytes that they add to request targets. */
export interface RequestSize {
  readonly identifiers: number
  readonly bytes: number
  /** Those of them with a request limit, and the requests that these need. */
  readonly limited: number
  readonly limitedRequests: number
}

/** Estimates the cost of requesting some identifiers, as if all of them had the same length. */
export function requestCost(
  { identifiers, bytes, limited, limitedRequests }: RequestSize,
  rules: RequestRules,
): Cost {
  if (identifiers === 0) return { requests: 0, minutes: 0 }
  const fitting = Math.floor((rules.maxUrlBytes - rules.pathBytes) / (bytes / identifiers))
  const full = Math.ceil((identifiers - limited) / Math.max(1, Math.min(fitting, rules.batchSize)))
  const requests = full + Math.ceil(limitedRequests)
  return { requests, minutes: (requests * rules.spacingSeconds) / 60 }
}
