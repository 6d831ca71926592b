import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Claim } from '../../../../src/pipeline/queue/claim.ts'
import { packRequest } from '../../../../src/pipeline/api/request.ts'
import { keyFingerprint, latenessBoundMs, slotSpacingSeconds } from '../../../../src/pipeline/api/quota.ts'
import { requestTarget } from '../../../../src/pipeline/api/request.ts'
import { delayBoundMs } from '../../../../src/platform/retry.ts'
import { aClaim } from '../../../support/a-claim.ts'

function claims(identifiers: readonly string[]): Claim[] {
  return identifiers.map((identifier, id) => ({ id, identifier }) as Claim)
}

const hex = Array.from({ length: 100 }, (_, n) => n.toString(16).padStart(64, '0'))
const path = '/api/classifications_audio'

describe('a request', () => {
  it('has raw brackets and encoded identifiers', () => {
    expect(requestTarget(path, ['a b', 'c&d=é'])).toBe(
      '/api/classifications_audio?identifiers[]=a%20b&identifiers[]=c%26d%3D%C3%A9',
    )
  })

  it('holds 100 identifiers of 64 digits in less than 8,000 bytes', () => {
    const { batch, rest } = packRequest(claims(hex), { pathBytes: path.length, maxBytes: 8000 })
    expect([batch.length, rest.length]).toEqual([100, 0])
    expect(requestTarget(path, hex).length).toBeLessThan(8000)
  })

  it.each([200, 500, 1000, 7900])('never passes %i bytes, and would with one more', (maxBytes) => {
    const { batch, rest } = packRequest(claims(hex), { pathBytes: path.length, maxBytes })
    const bytes = (packed: readonly Claim[]) =>
      requestTarget(
        path,
        packed.map(({ identifier }) => identifier),
      ).length
    expect(bytes(batch)).toBeLessThanOrEqual(maxBytes)
    expect(bytes([...batch, ...rest.slice(0, 1)])).toBeGreaterThan(maxBytes)
    expect([...batch, ...rest].map(({ identifier }) => identifier)).toEqual(hex)
  })

  it('goes with a lone identifier whatever its length', () => {
    const { batch, rest } = packRequest(claims(['x'.repeat(1024), 'y']), {
      pathBytes: path.length,
      maxBytes: 200,
    })
    expect(batch.map(({ identifier }) => identifier.length)).toEqual([1024])
    expect(rest).toHaveLength(1)
  })
})

describe('a request with claims that were lost before', () => {
  const bounds = { pathBytes: 0, maxBytes: 1_000_000 }

  it('is filled with others that may share it, and leaves the rest in order', () => {
    const some = claims(['a', 'b', 'c', 'd']).map((claim, n) =>
      aClaim({ ...claim, requestLimit: n === 1 ? 2 : null }),
    )
    const names = (packed: readonly Claim[]) => packed.map(({ identifier }) => identifier).join('')
    const first = packRequest(some, bounds)
    expect([names(first.batch), names(first.rest)]).toEqual(['ab', 'cd'])
    const after = packRequest([...some.slice(2), ...some.slice(0, 2)], bounds)
    expect([names(after.batch), names(after.rest)]).toEqual(['cda', 'b'])
  })

  it('never holds more than any of them allows, and loses none', () => {
    const limits = fc.array(fc.option(fc.integer({ min: 1, max: 100 })), { minLength: 1, maxLength: 100 })
    fc.assert(
      fc.property(limits, (given) => {
        const all = given.map((requestLimit, id) => aClaim({ id, identifier: `id-${id}`, requestLimit }))
        const { batch, rest } = packRequest(all, bounds)
        expect(batch[0]).toBe(all[0])
        expect(batch.length).toBeLessThanOrEqual(Math.min(...batch.map((claim) => claim.requestLimit ?? 100)))
        expect([...batch, ...rest].toSorted((a, b) => a.id - b.id)).toEqual(all)
        expect(rest.map(({ id }) => id)).toEqual(rest.map(({ id }) => id).toSorted((a, b) => a - b))
      }),
    )
  })
})

describe('pacing', () => {
  it('keeps below both limits, evenly', () => {
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
      // The first of so many leaves late, the last on time.
      expect(perSecond * spacing - late).toBeGreaterThanOrEqual(1 - 1e-9)
      expect(perMinute * spacing - late).toBeGreaterThanOrEqual(60 - 1e-9)
    }
  })

  it('never shows the key', () => {
    expect(keyFingerprint('k-123')).toMatch(/^[0-9a-f]{16}$/)
    expect(keyFingerprint('k-123')).not.toBe(keyFingerprint('k-124'))
  })

  it('doubles the bound of the delay before a retry, up to a minute', () => {
    expect(
      [1, 2, 3, 7, 40].map((attempt) => delayBoundMs(attempt, { baseMs: 1000, maxDelayMs: 60_000 })),
    ).toEqual([1000, 2000, 4000, 60_000, 60_000])
  })
})
