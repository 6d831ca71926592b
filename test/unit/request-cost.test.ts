import { describe, expect, it } from 'vitest'
import { requestCost } from '../../src/plan/request-cost.ts'

const rules = { batchSize: 100, maxUrlBytes: 8000, pathBytes: 30, spacingSeconds: 1.015 }

describe('the cost of asking', () => {
  it('is one request for every hundred, begun', () => {
    const requests = [0, 1, 100, 101, 350_000].map((n) => requestCost(n, n * 79, rules).requests)
    expect(requests).toEqual([0, 1, 1, 2, 3500])
  })

  it('is more where names are too long for a hundred to fit', () => {
    // 7,970 bytes hold 7 of 1,039.
    expect(requestCost(100, 100 * 1039, rules).requests).toBe(15)
    expect(requestCost(3, 3 * 9000, rules).requests).toBe(3)
  })

  it('takes the time that the quota leaves between requests', () => {
    expect(requestCost(350_000, 350_000 * 79, rules).minutes).toBeCloseTo((3500 * 1.015) / 60)
  })
})
