/** The documented GET quota: per key, 2 a second and 60 a minute. */
const LIMITS = [
  { windowMs: 1000, requests: 2 },
  { windowMs: 60_000, requests: 60 },
]

/** Lets requests through as the documented quota does, over sliding windows; refused ones do not count. */
export class QuotaGate {
  readonly #accepted = new Map<string, number[]>()
  readonly #now: () => number

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  /** Whether a request with this key may pass now. */
  admit(key: string): boolean {
    const now = this.#now()
    const times = (this.#accepted.get(key) ?? []).filter((time) => time > now - 60_000)
    const admitted = LIMITS.every(
      ({ windowMs, requests }) => times.filter((time) => time > now - windowMs).length < requests,
    )
    if (admitted) times.push(now)
    this.#accepted.set(key, times)
    return admitted
  }
}
