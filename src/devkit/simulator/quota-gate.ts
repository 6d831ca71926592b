/** Allows at most `requests` in `windowMs`. */
export interface QuotaWindow {
  readonly windowMs: number
  readonly requests: number
}

/** The documented GET quota of a key: 2 requests per second and 60 per minute. */
export const DOCUMENTED_QUOTA: readonly QuotaWindow[] = [
  { windowMs: 1000, requests: 2 },
  { windowMs: 60_000, requests: 60 },
]

/** How a server counts: over the time just past, or since its clock last started a full window. */
export type WindowKind = 'sliding' | 'fixed'

/** Creates the gate of one key, which returns whether a request is within the quota. Refused requests do not count. */
export function createQuotaGate(windows: readonly QuotaWindow[], kind: WindowKind): () => boolean {
  const longest = Math.max(...windows.map(({ windowMs }) => windowMs))
  let accepted: number[] = []
  return () => {
    const now = Date.now()
    accepted = accepted.filter((time) => time > now - longest)
    const admitted = windows.every(({ windowMs, requests }) => {
      const start = kind === 'sliding' ? now - windowMs : Math.floor(now / windowMs) * windowMs - 1
      return accepted.filter((time) => time > start).length < requests
    })
    if (admitted) accepted.push(now)
    return admitted
  }
}
