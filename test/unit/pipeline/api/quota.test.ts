import { describe, expect, it } from 'vitest'
import { keyFingerprint, latenessBoundMs, slotSpacingSeconds } from '../../../../src/pipeline/api/quota.ts'

describe('the quota', () => {
  it('stays below both limits, evenly', () => {
    expect(slotSpacingSeconds(2, 60)).toBeCloseTo(1.015)
    expect(slotSpacingSeconds(2, 600)).toBeCloseTo(0.5075)
  })

  it('bounds how late a request may leave, so that one late and all others punctual still fit any window', () => {
    for (const [perSecond, perMinute] of [
      [2, 60],
      [2, 600],
      [9, 270],
    ] as const) {
      const spacing = slotSpacingSeconds(perSecond, perMinute)
      const late = latenessBoundMs(perSecond, perMinute) / 1000
      expect(late).toBeGreaterThan(0)
      // The first request of a window leaves late, the last on time.
      expect(perSecond * spacing - late).toBeGreaterThanOrEqual(1 - 1e-9)
      expect(perMinute * spacing - late).toBeGreaterThanOrEqual(60 - 1e-9)
    }
  })

  it('has a fingerprint without the key', () => {
    expect(keyFingerprint('k-123')).toMatch(/^[0-9a-f]{16}$/)
    expect(keyFingerprint('k-123')).not.toBe(keyFingerprint('k-124'))
  })
})
