import type { Claim } from '../../src/pipeline/queue/claim.ts'

/** A claim of an identifier that was never requested before, save for the `overrides` of a test. */
export function aClaim(overrides: Partial<Claim> = {}): Claim {
  return {
    id: 1,
    media: 'audio',
    identifier: 'a',
    claimNo: 1,
    state: 'pending',
    wasFinished: false,
    priority: 0,
    attempts: 0,
    requestLimit: null,
    absences: 0,
    recordDigest: null,
    ageSeconds: 0,
    claimedAt: '2026-06-01T00:00:00.000000Z',
    ...overrides,
  }
}
