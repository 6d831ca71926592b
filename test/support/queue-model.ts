/**
 * A model of the queue in plain arithmetic: claims, leases, outcomes and due times, without SQL. Times are seconds of a
 * clock that only the test moves.
 */
export interface ModelRow {
  readonly identifier: string
  state: 'pending' | 'done' | 'missing' | 'quarantined' | 'retired'
  priority: number
  dueAt: number | null
  lease: { readonly run: string; until: number } | null
  claimNo: number
  attempts: number
  absences: number
  finished: boolean
  requestedAt: number | null
  refreshRequestedAt: number | null
  readonly enqueuedAt: number
}

export interface ModelClaim {
  readonly identifier: string
  readonly run: string
  readonly claimNo: number
  readonly requestedAt: number
}

export type ModelResponse = 'done' | 'new' | 'absent' | 'broken'

export const LEASE_SECONDS = 25
const MISSING_AFTER = 5
const HOUR = 3600

export class QueueModel {
  readonly rows = new Map<string, ModelRow>()
  readonly runs = new Map<string, number>()
  now = 0

  /** Moves the clock a moment forward, so that no two events have the same time. */
  tick(): number {
    this.now += 1e-6
    return this.now
  }

  insert(identifier: string, priority: number): void {
    if (this.rows.has(identifier)) return
    const row = { identifier, state: 'pending', priority, dueAt: this.now, enqueuedAt: this.now } as const
    const none = { lease: null, requestedAt: null, refreshRequestedAt: null }
    this.rows.set(identifier, { ...row, ...none, claimNo: 0, attempts: 0, absences: 0, finished: false })
  }

  claim(run: string, limit: number): ModelClaim[] {
    const started = this.runs.get(run) ?? 0
    const due = [...this.rows.values()]
      .filter((row) => row.dueAt !== null && row.dueAt <= this.now)
      .filter((row) => row.lease === null || row.lease.until < this.now)
      .filter(
        ({ state, requestedAt, refreshRequestedAt }) =>
          state === 'pending' ||
          requestedAt === null ||
          requestedAt < started ||
          (refreshRequestedAt ?? -1) > requestedAt,
      )
      .toSorted((a, b) => b.priority - a.priority || (a.dueAt as number) - (b.dueAt as number))
      .slice(0, limit)
    return due.map((row) => {
      row.lease = { run, until: this.now + LEASE_SECONDS }
      row.claimNo++
      return { identifier: row.identifier, run, claimNo: row.claimNo, requestedAt: this.now }
    })
  }

  holds({ identifier, run, claimNo }: ModelClaim): boolean {
    const row = this.rows.get(identifier)
    return row?.lease?.run === run && row.lease.until > this.now && row.claimNo === claimNo
  }

  finish(claim: ModelClaim, response: ModelResponse): void {
    const row = this.rows.get(claim.identifier)
    if (!row || !this.holds(claim)) return
    const wasRefreshRequested = (row.refreshRequestedAt ?? -1) > claim.requestedAt
    const next = this.#after(row, claim, response)
    row.state = next.state
    row.absences = response === 'absent' ? row.absences + 1 : response === 'broken' ? row.absences : 0
    row.attempts = 0
    row.requestedAt = claim.requestedAt
    row.finished ||= next.state === 'done'
    row.lease = null
    if (wasRefreshRequested) return
    row.priority = next.priority
    row.dueAt = next.seconds === null ? null : claim.requestedAt + next.seconds
  }

  release(claim: ModelClaim, failed: boolean): void {
    const row = this.rows.get(claim.identifier)
    // An expired lease is still released, as long as no other claim has taken the row since.
    if (!row || row.lease?.run !== claim.run || row.claimNo !== claim.claimNo) return
    row.lease = null
    if (!failed) return
    row.attempts++
    if ((row.refreshRequestedAt ?? -1) > claim.requestedAt) return
    row.dueAt = this.now + Math.min(60 * 2 ** (row.attempts - 1), 900)
  }

  renew(run: string, identifiers: readonly string[]): void {
    for (const identifier of identifiers) {
      const row = this.rows.get(identifier)
      if (row?.lease?.run === run) row.lease.until = this.now + LEASE_SECONDS
    }
  }

  refresh(identifier: string): void {
    const row = this.rows.get(identifier)
    if (!row || row.state === 'quarantined' || row.state === 'retired') return
    this.#requestRefresh(row, Math.max(row.priority, 10))
  }

  requeue(identifier: string): void {
    const row = this.rows.get(identifier)
    if (!row || row.state === 'retired') return
    if (row.state === 'quarantined') {
      row.state = 'pending'
      row.absences = 0
    }
    this.#requestRefresh(row, 10)
  }

  retire(identifier: string): void {
    const row = this.rows.get(identifier)
    if (!row || row.state === 'retired') return
    row.state = 'retired'
    row.dueAt = null
    row.lease = null
  }

  #requestRefresh(row: ModelRow, priority: number): void {
    row.refreshRequestedAt = this.now
    row.dueAt = this.now
    row.priority = priority
  }

  #after(row: ModelRow, claim: ModelClaim, response: ModelResponse) {
    if (response === 'done') return { state: 'done', priority: -10, seconds: 12 * HOUR } as const
    if (response === 'broken') return { state: 'quarantined', priority: 0, seconds: null } as const
    if (response === 'new') {
      const state = row.state === 'done' ? 'done' : 'pending'
      const age = claim.requestedAt - row.enqueuedAt
      return { state, priority: 0, seconds: Math.min(Math.max(age, 60), HOUR) } as const
    }
    const absences = row.absences + 1
    if (row.state === 'missing' || absences >= MISSING_AFTER) {
      return { state: 'missing', priority: -10, seconds: 30 * 24 * HOUR } as const
    }
    if (row.finished) return { state: row.state, priority: -10, seconds: 12 * HOUR } as const
    const seconds = [60, 15 * 60, 2 * HOUR, 12 * HOUR][absences - 1] as number
    return { state: 'pending', priority: 0, seconds } as const
  }
}
