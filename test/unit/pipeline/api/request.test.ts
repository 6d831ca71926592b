import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Claim } from '../../../../src/pipeline/queue/claim.ts'
import { packRequest, requestTarget } from '../../../../src/pipeline/api/request.ts'
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

  it.each([200, 500, 1000, 7900])(
    'is never longer than %i bytes, and would be with one more identifier',
    (maxBytes) => {
      const { batch, rest } = packRequest(claims(hex), { pathBytes: path.length, maxBytes })
      const bytes = (packed: readonly Claim[]) =>
        requestTarget(
          path,
          packed.map(({ identifier }) => identifier),
        ).length
      expect(bytes(batch)).toBeLessThanOrEqual(maxBytes)
      expect(bytes([...batch, ...rest.slice(0, 1)])).toBeGreaterThan(maxBytes)
      expect([...batch, ...rest].map(({ identifier }) => identifier)).toEqual(hex)
    },
  )

  it('holds a single identifier of any length', () => {
    const { batch, rest } = packRequest(claims(['x'.repeat(1024), 'y']), {
      pathBytes: path.length,
      maxBytes: 200,
    })
    expect(batch.map(({ identifier }) => identifier.length)).toEqual([1024])
    expect(rest).toHaveLength(1)
  })
})

describe('a request with claims of failed requests', () => {
  const bounds = { pathBytes: 0, maxBytes: 1_000_000 }

  it('has others that may share it, and leaves the rest in order', () => {
    const some = claims(['a', 'b', 'c', 'd']).map((claim, n) =>
      aClaim({ ...claim, requestLimit: n === 1 ? 2 : null }),
    )
    const names = (packed: readonly Claim[]) => packed.map(({ identifier }) => identifier).join('')
    const first = packRequest(some, bounds)
    expect([names(first.batch), names(first.rest)]).toEqual(['ab', 'cd'])
    const after = packRequest([...some.slice(2), ...some.slice(0, 2)], bounds)
    expect([names(after.batch), names(after.rest)]).toEqual(['cda', 'b'])
  })

  it('never holds more than the limit of any of them, and loses none', () => {
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
