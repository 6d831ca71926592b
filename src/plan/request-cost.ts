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

/** What `identifiers` cost that add `bytes` to request targets; an estimate, as if all were of the same length. */
export function requestCost(identifiers: number, bytes: number, rules: RequestRules): Cost {
  if (identifiers === 0) return { requests: 0, minutes: 0 }
  const fitting = Math.floor((rules.maxUrlBytes - rules.pathBytes) / (bytes / identifiers))
  const requests = Math.ceil(identifiers / Math.max(1, Math.min(fitting, rules.batchSize)))
  return { requests, minutes: (requests * rules.spacingSeconds) / 60 }
}
