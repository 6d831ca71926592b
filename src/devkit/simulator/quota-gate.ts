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

/** Enforces the quota of one key. Refused requests do not count. */
export class QuotaGate {
  readonly #windows: readonly QuotaWindow[]
  readonly #kind: WindowKind
  readonly #now: () => number
  #accepted: number[] = []

  constructor(windows: readonly QuotaWindow[], kind: WindowKind, now: () => number = Date.now) {
    this.#windows = windows
    this.#kind = kind
    this.#now = now
  }

  /** Returns whether a request is within the quota, and counts it if so. */
  admit(): boolean {
    const now = this.#now()
    const longest = Math.max(...this.#windows.map(({ windowMs }) => windowMs))
    this.#accepted = this.#accepted.filter((time) => time > now - longest)
    const admitted = this.#windows.every(({ windowMs, requests }) => {
      const start = this.#kind === 'sliding' ? now - windowMs : Math.floor(now / windowMs) * windowMs - 1
      return this.#accepted.filter((time) => time > start).length < requests
    })
    if (admitted) this.#accepted.push(now)
    return admitted
  }
}
