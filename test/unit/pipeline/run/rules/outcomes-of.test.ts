import { describe, expect, it } from 'vitest'
import { audioEndpoint } from '../../../../../src/media/audio/endpoint.ts'
import type { Claim } from '../../../../../src/pipeline/queue/claim.ts'
import type { Json } from '../../../../../src/platform/json.ts'
import {
  lastRecordsOf,
  outcomeOfRefusal,
  outcomesOf,
} from '../../../../../src/pipeline/run/rules/outcomes-of.ts'
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

  it('do not mark an identifier as disappeared before it is missing, nor as refused', () => {
    const finished = { ...(claims[0] as Claim), state: 'done', wasFinished: true, absences: 3 } as const
    const options = { endpoint: audioEndpoint, policy: { missingAfter: 5, refreshHours: 12 } }
    expect(outcomesOf([finished], [], options).outcomes).toMatchObject([
      { disappeared: false, refused: false, update: { state: 'done', absences: 4 } },
    ])
  })

  it('are identical for a record that was finished and is the same, and keep its digest', () => {
    const finished = aClaim({ identifier: 'a', state: 'errored', wasFinished: true, recordDigest: 'digest' })
    const reading = outcomesOf(
      [finished],
      [
        { kind: 'identical', identifier: 'a' },
        { kind: 'identical', identifier: 'z' },
      ],
      { endpoint: audioEndpoint, policy: { missingAfter: 5, refreshHours: 12 } },
    )
    expect(reading).toMatchObject({ returned: 1, unrequested: 1, nameless: 0 })
    expect(reading.outcomes).toMatchObject([
      {
        kind: 'identical',
        claim: finished,
        update: { state: 'errored', recordDigest: 'digest', confirmed: true, dueAfterSeconds: 12 * 3600 },
      },
    ])
  })

  it('say where a record does not fit the contract, in the update and in the issues', () => {
    const { outcomes } = read([done('a', { verdict: 1 }), done('b', { hash: 5 })])
    expect(outcomes.map(({ update }) => update.lastError).slice(0, 2)).toEqual([
      expect.stringMatching(/^The record cannot be loaded: \/verdict \S/),
      expect.stringMatching(/^The record cannot be loaded: \/hash \S/),
    ])
    expect(outcomes[0]).toMatchObject({
      kind: 'quarantined',
      reason: 'invalid_payload',
      issues: [{ path: '/verdict', message: expect.stringMatching(/\S/) }],
    })
  })
})

describe('a refusal of one identifier', () => {
  const policy = { missingAfter: 5, refreshHours: 12 }

  it('is an absence that is requested alone, with the beginning of the response in storable text', () => {
    const body = `not \0valid ${'x'.repeat(1000)}`
    const outcome = outcomeOfRefusal(aClaim({ absences: 1 }), { status: 422, body }, policy)
    expect(outcome).toMatchObject({
      kind: 'not_returned',
      refused: true,
      disappeared: false,
      update: { absences: 2, requestLimit: 1, confirmed: false },
    })
    const { lastError } = outcome.update
    expect(lastError).toMatch(/^The API refuses it \(422\): not \\u0000valid x+$/)
    expect(lastError?.length).toBeLessThan(500)
  })
})

describe('the last records of claims', () => {
  it('are those of finished ones with a digest', () => {
    const states = ['done', 'errored', 'pending', 'missing', 'done'] as const
    const last = states.map((state, index) =>
      aClaim({ identifier: `id-${index}`, state, recordDigest: index === 4 ? null : `digest-${index}` }),
    )
    expect([...lastRecordsOf(last)]).toEqual([
      ['digest-0', 'id-0'],
      ['digest-1', 'id-1'],
    ])
  })
})
