import { describe, expect, it } from 'vitest'
import { requestCost } from '../../../../src/pipeline/plan/request-cost.ts'

const none = { limited: 0, limitedRequests: 0 }
const cost = (identifiers: number, bytes: number) => requestCost({ ...none, identifiers, bytes }, rules)

const rules = { batchSize: 100, maxUrlBytes: 8000, pathBytes: 30, spacingSeconds: 1.015 }

describe('the cost of requests', () => {
  it('is one request for each hundred, rounded up', () => {
    const requests = [0, 1, 100, 101, 350_000].map((n) => cost(n, n * 79).requests)
    expect(requests).toEqual([0, 1, 1, 2, 3500])
  })

  it('is more where names are too long for a hundred to fit', () => {
    // 7,970 bytes hold 7 of 1,039.
    expect(cost(100, 100 * 1039).requests).toBe(15)
    expect(cost(3, 3 * 9000).requests).toBe(3)
  })

  it('takes the time that the quota leaves between requests', () => {
    expect(cost(350_000, 350_000 * 79).minutes).toBeCloseTo((3500 * 1.015) / 60)
  })
})
