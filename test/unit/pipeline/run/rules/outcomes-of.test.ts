import { describe, expect, it } from 'vitest'
import { audioEndpoint } from '../../../../../src/media/audio/endpoint.ts'
import type { Claim } from '../../../../../src/pipeline/queue/claim.ts'
import type { Json } from '../../../../../src/platform/json.ts'
import { outcomesOf } from '../../../../../src/pipeline/run/rules/outcomes-of.ts'
import { aClaim } from '../../../../support/a-claim.ts'
import { responseRecords } from '../../../../support/response-records.ts'

const claims = ['a', 'b', 'c'].map((identifier, position) => aClaim({ id: position + 1, identifier }))

function read(records: Json[]) {
  return outcomesOf(claims, responseRecords(records), {
    endpoint: audioEndpoint,
    policy: { missingAfter: 5, refreshHours: 12 },
  })
}

const done = (identifier: string, fields = {}) => ({ identifier, status: 'done', ...fields })

describe('the outcomes of a response', () => {
  it('belong to the claims by identifier, in any order', () => {
    const { outcomes, returned } = read([done('c'), done('a'), { identifier: 'b', status: 'new' }])
    expect(outcomes.map(({ claim, update }) => [claim.id, update.state])).toEqual([
      [1, 'done'],
      [2, 'pending'],
      [3, 'done'],
    ])
    expect(returned).toBe(3)
  })

  it('include one for each identifier that is not returned', () => {
    const { outcomes } = read([done('b')])
    expect(outcomes.map((outcome) => outcome.kind)).toEqual(['not_returned', 'returned', 'not_returned'])
  })

  it('do not include elements of no claim, which are counted', () => {
    const reading = read([null, 7, [], { status: 'done' }, { identifier: 5 }, done('z'), done('a')])
    expect(reading).toMatchObject({ nameless: 5, unrequested: 1, repeated: 0, returned: 1 })
  })

  it('have the last of a repeated record', () => {
    const { outcomes, repeated } = read([done('a', { name: 'first' }), done('a', { name: 'last' })])
    expect(repeated).toBe(1)
    expect(outcomes[0]).toMatchObject({ kind: 'returned', rows: { classification: { name: 'last' } } })
  })

  it('quarantine one record, never its neighbors, with evidence that parses to the same record', () => {
    const broken = {
      identifier: 'b',
      status: 'archived',
      name: 'x\0\uD800',
      big: JSON.parse('-1e999') as number,
    }
    const { outcomes } = read([done('a'), broken, done('c')])
    expect(outcomes.map((outcome) => outcome.kind)).toEqual(['returned', 'quarantined', 'returned'])
    const [, outcome] = outcomes
    if (outcome?.kind !== 'quarantined') throw new Error('not quarantined')
    expect(outcome).toMatchObject({ reason: 'unstorable' })
    expect(JSON.parse(outcome.payload)).toEqual(broken)
    expect(outcome.payload).not.toContain('\0')
    expect(outcome.payload.isWellFormed()).toBe(true)
  })

  it('describe keys that are not storable in storable text', () => {
    const { outcomes } = read([{ identifier: 'a', 'k\0ey': { '\uD800': Number.POSITIVE_INFINITY } }])
    const [outcome] = outcomes
    if (outcome?.kind !== 'quarantined') throw new Error('not quarantined')
    const words = [
      outcome.update.lastError,
      ...outcome.issues.flatMap(({ path, message }) => [path, message]),
    ].join()
    expect(words).not.toContain('\0')
    expect(words.isWellFormed()).toBe(true)
  })

  it('mark a finished identifier that becomes missing as disappeared, once', () => {
    const finished = { ...(claims[0] as Claim), state: 'done', wasFinished: true, absences: 4 } as const
    const options = { endpoint: audioEndpoint, policy: { missingAfter: 5, refreshHours: 12 } }
    expect(outcomesOf([finished], [], options).outcomes[0]).toMatchObject({ disappeared: true })
    expect(outcomesOf([{ ...finished, state: 'missing' }], [], options).outcomes[0]).toMatchObject({
      disappeared: false,
    })
    expect(outcomesOf([{ ...finished, wasFinished: false }], [], options).outcomes[0]).toMatchObject({
      disappeared: false,
    })
  })
})
