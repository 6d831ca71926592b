import { describe, expect, it } from 'vitest'
import { dueAfterFailureSeconds } from '../../../../../src/platform/retry.ts'
import {
  afterAbsence,
  afterRecord,
  afterQuarantine,
} from '../../../../../src/pipeline/run/rules/identifier-update.ts'
import { aClaim } from '../../../../support/a-claim.ts'

const policy = { missingAfter: 5, refreshHours: 12 }
const MINUTE = 60
const HOUR = 3600
const DAY = 86_400

describe('the ledger row after an answer', () => {
  it.each(['done', 'errored'] as const)('%s: swept again after SYNC_REFRESH_HOURS', (status) => {
    expect(afterRecord(aClaim({ absences: 3 }), status, policy, 'digest')).toEqual({
      state: status,
      priority: -10,
      dueAfterSeconds: 12 * HOUR,
      absences: 0,
      lastError: null,
      confirmed: true,
      recordDigest: 'digest',
    })
  })

  it.each([
    [0, MINUTE],
    [59, MINUTE],
    [600, 600],
    [2 * HOUR, HOUR],
  ])('new after %i s: polled after %i s', (ageSeconds, dueAfterSeconds) => {
    expect(afterRecord(aClaim({ ageSeconds }), 'new', policy, 'digest')).toMatchObject({
      state: 'pending',
      priority: 0,
      recordDigest: null,
      dueAfterSeconds,
    })
  })

  it.each(['done', 'errored'] as const)('new again after %s: stays so, and is polled', (state) => {
    const update = afterRecord(aClaim({ state, wasFinished: true, ageSeconds: 300 }), 'new', policy, 'd')
    expect(update).toMatchObject({ state, dueAfterSeconds: 300 })
  })
})

describe('the ledger row after an absence', () => {
  it.each([
    [0, 'pending', MINUTE],
    [1, 'pending', 15 * MINUTE],
    [2, 'pending', 2 * HOUR],
    [3, 'pending', 12 * HOUR],
    [4, 'missing', 30 * DAY],
  ])('never finished, %i absences before: %s, due after %i s', (absences, state, dueAfterSeconds) => {
    expect(afterAbsence(aClaim({ absences }), policy)).toMatchObject({
      state,
      dueAfterSeconds,
      absences: absences + 1,
      confirmed: false,
    })
  })

  it('finished before: as it was until the next sweep, missing at the fifth', () => {
    const finished = { state: 'done', wasFinished: true } as const
    expect(afterAbsence(aClaim({ ...finished, absences: 3 }), policy)).toMatchObject({
      state: 'done',
      dueAfterSeconds: 12 * HOUR,
    })
    expect(afterAbsence(aClaim({ ...finished, absences: 4 }), policy)).toMatchObject({
      state: 'missing',
      dueAfterSeconds: 30 * DAY,
    })
  })

  it('missing stays missing, whatever SYNC_MISSING_AFTER has become', () => {
    const update = afterAbsence(aClaim({ state: 'missing', absences: 5 }), { ...policy, missingAfter: 50 })
    expect(update).toMatchObject({ state: 'missing', dueAfterSeconds: 30 * DAY, absences: 6 })
  })
})

it('quarantined is not due again, and keeps its absences', () => {
  expect(afterQuarantine(aClaim({ absences: 2 }), 'why')).toEqual({
    state: 'quarantined',
    priority: 0,
    dueAfterSeconds: null,
    absences: 2,
    lastError: 'why',
    confirmed: false,
    recordDigest: null,
  })
})

it('lost asks wait a minute, doubling to fifteen', () => {
  expect([1, 2, 3, 4, 5, 50].map(dueAfterFailureSeconds)).toEqual([60, 120, 240, 480, 900, 900])
})
