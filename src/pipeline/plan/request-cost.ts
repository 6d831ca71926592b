/** What decides how many identifiers one request holds, and how often one may leave. */
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
  /** Time that the requests take at the quota, whatever the network takes besides. */
  readonly minutes: number
}

/** Identifiers to ask for, with the bytes that they add to request targets. */
export interface RequestSize {
  readonly identifiers: number
  readonly bytes: number
  /** Those of them that may share a request with few others only, and the requests that these need. */
  readonly limited: number
  readonly limitedRequests: number
}

/** What asking costs; an estimate, as if all names were of the same length. */
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
