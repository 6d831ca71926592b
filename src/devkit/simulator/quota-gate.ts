/** At most `requests` in `windowMs`. */
export interface QuotaWindow {
  readonly windowMs: number
  readonly requests: number
}

/** The documented GET quota: per key, 2 a second and 60 a minute. */
export const DOCUMENTED_QUOTA: readonly QuotaWindow[] = [
  { windowMs: 1000, requests: 2 },
  { windowMs: 60_000, requests: 60 },
]

/** How a server may count: over the time just past, or since the last full window of its clock. */
export type WindowKind = 'sliding' | 'fixed'

/** Lets requests through as a quota does; refused ones do not count. One gate is one key. */
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

  /** Whether a request may pass now. */
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
