import { describe, expect, it } from 'vitest'
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
const NEW = { status: 'new', hasKnownStatus: true } as const

describe('a tracked identifier after a record', () => {
  it.each(['done', 'errored'] as const)(
    'with the status %s is due for a refresh after SYNC_REFRESH_HOURS',
    (status) => {
      expect(
        afterRecord(aClaim({ absences: 3 }), { status, hasKnownStatus: true }, policy, 'digest'),
      ).toEqual({
        state: status,
        priority: -10,
        dueAfterSeconds: 12 * HOUR,
        absences: 0,
        lastError: null,
        confirmed: true,
        recordDigest: 'digest',
        requestLimit: null,
      })
    },
  )

  it.each([
    [0, true, MINUTE],
    [59, true, MINUTE],
    [600, true, 600],
    [2 * HOUR, true, HOUR],
    [600, false, 600],
  ])(
    'that is new after %i s (status documented: %s) is polled after %i s',
    (ageSeconds, hasKnownStatus, dueAfterSeconds) => {
      expect(
        afterRecord(aClaim({ ageSeconds }), { status: 'new', hasKnownStatus }, policy, 'digest'),
      ).toMatchObject({
        state: 'pending',
        priority: 0,
        recordDigest: null,
        dueAfterSeconds,
      })
    },
  )

  it.each(['done', 'errored'] as const)(
    'that is new again after %s keeps that state, and is polled',
    (state) => {
      const update = afterRecord(aClaim({ state, wasFinished: true, ageSeconds: 300 }), NEW, policy, 'd')
      expect(update).toMatchObject({ state, dueAfterSeconds: 300 })
    },
  )

  it('that is unfinished when it returns from missing is pending, and is polled', () => {
    const missing = aClaim({ state: 'missing', wasFinished: true, absences: 6, ageSeconds: 300 })
    expect(afterRecord(missing, NEW, policy, 'd')).toMatchObject({
      state: 'pending',
      priority: 0,
      dueAfterSeconds: 300,
      absences: 0,
    })
  })

  it('that has a status which is not documented after a finished one is requested at the refresh interval', () => {
    const finished = aClaim({ state: 'done', wasFinished: true, ageSeconds: 300 })
    const update = afterRecord(finished, { status: 'new', hasKnownStatus: false }, policy, 'd')
    expect(update).toMatchObject({
      state: 'done',
      priority: -10,
      recordDigest: null,
      dueAfterSeconds: 12 * HOUR,
    })
  })
})

describe('a tracked identifier after an absence', () => {
  it.each([
    [0, 'pending', MINUTE],
    [1, 'pending', 15 * MINUTE],
    [2, 'pending', 2 * HOUR],
    [3, 'pending', 12 * HOUR],
    [4, 'missing', 30 * DAY],
  ])(
    'that was never finished, with %i absences before, is %s and due after %i s',
    (absences, state, dueAfterSeconds) => {
      expect(afterAbsence(aClaim({ absences }), policy)).toMatchObject({
        state,
        dueAfterSeconds,
        absences: absences + 1,
        confirmed: false,
      })
    },
  )

  it('that was finished keeps its state until the next refresh, and is missing at the fifth absence', () => {
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

  it('that is missing stays missing with any SYNC_MISSING_AFTER', () => {
    const update = afterAbsence(aClaim({ state: 'missing', absences: 5 }), { ...policy, missingAfter: 50 })
    expect(update).toMatchObject({ state: 'missing', dueAfterSeconds: 30 * DAY, absences: 6 })
  })
})

it('an absence has its number as the last error', () => {
  const errors = [0, 1].map((absences) => afterAbsence(aClaim({ absences }), policy).lastError)
  expect(errors).toEqual(['The API did not return it.', 'The API did not return it, 2 times in a row.'])
})

it('a quarantined identifier is not due again, and keeps its absences', () => {
  expect(afterQuarantine(aClaim({ absences: 2 }), 'why')).toEqual({
    state: 'quarantined',
    priority: 0,
    dueAfterSeconds: null,
    absences: 2,
    lastError: 'why',
    confirmed: false,
    recordDigest: null,
    requestLimit: null,
  })
})
