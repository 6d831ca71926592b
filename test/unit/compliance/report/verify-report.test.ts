import { describe, expect, it } from 'vitest'
import { dataDigest, makeReport } from '../../../../src/compliance/report/make-report.ts'
import type { Report, ReportData } from '../../../../src/compliance/report/schema.ts'
import { personalValuesOf } from '../../../../src/compliance/report/personal-values.ts'
import { differences, statedFacts, verifyReport } from '../../../../src/compliance/report/verify-report.ts'
import { personalCommitment } from '../../../../src/pipeline/seal/commitment.ts'
import { at } from '../../../support/july.ts'
import { change, factsOf, noteOf } from '../../../support/report-facts.ts'

const PERSONAL = { name: 'call.wav', ref_id: 'r', result_url: null, source: 'calls' }
const SALT = '5'.repeat(64)

/** A report with two decisions, a note, labels that are forced now, and personal values. */
function goodReport(): Report {
  const events = [1, 2].map((id) => change(id, { personal_commitment: personalCommitment(SALT, PERSONAL) }))
  const facts = factsOf([...events, change(3, { file_hash: null })], [noteOf(1, at(13))])
  const now = {
    with_result: 10,
    forced: 4,
    forced_share: 0.4,
    machine_to_forced: [{ machine: 'artificial', forced_to: 'human', identifiers: 4 }],
  }
  const period = { from: at(10), to: at(20), time_zone: 'UTC' }
  const data = makeReport('audio', period, { ...facts, counts: { ...facts.counts, now } })
  return {
    ...data,
    generated_at: at(26),
    generated_by: 'identifai-sync',
    verified: null,
    data_digest: dataDigest(data),
    personal_values: [1, 2].map((classification_id) => ({
      classification_id,
      revision_no: 2,
      salt: SALT,
      ...PERSONAL,
    })),
  }
}

type Editable<T> = T extends object ? { -readonly [Key in keyof T]: Editable<T[Key]> } : T

/** The findings of the report after an alteration, whose digest is made again. */
function findingsAfter(alter: (data: Editable<ReportData>) => void): string[] {
  const { data_digest: _, generated_at, generated_by, verified, personal_values, ...data } = goodReport()
  const altered = structuredClone(data) as Editable<ReportData>
  alter(altered)
  const rest = { generated_at, generated_by, verified, personal_values }
  return verifyReport({ ...altered, ...rest, data_digest: dataDigest(altered) }).map(({ what }) => what)
}

describe('a report', () => {
  it('has no findings as it was made, also with another origin and without values that were removed', () => {
    const report = goodReport()
    expect(verifyReport(report)).toEqual([])
    expect(verifyReport({ ...report, generated_at: at(27), generated_by: 'x', personal_values: [] })).toEqual(
      [],
    )
  })

  it('has a finding when its digest is that of other data', () => {
    const [finding] = verifyReport({ ...goodReport(), data_digest: '0'.repeat(64) })
    expect(finding).toMatchObject({ what: 'data_digest', problem: expect.stringContaining('does not match') })
  })

  it.each<[string, (data: Editable<ReportData>) => unknown]>([
    ['head.title', ({ head }) => (head.title = 'x')],
    ['head.statements', ({ head }) => head.statements.pop()],
    ['head.coverage.is_complete', ({ head }) => (head.coverage.is_complete = false)],
    ['summary.now.forced', ({ summary }) => (summary.now.forced = 7)],
    ['summary.now.forced_share', ({ summary }) => (summary.now.forced_share = 0.5)],
    ['summary.period.events', ({ summary }) => (summary.period.events = 9)],
    [
      'decision 2 (file)',
      ({ decisions }) => ((decisions[1] as { forced_from: string }).forced_from = 'human'),
    ],
    // Without a file hash, its one identifier alone is tracked.
    ['decision 1', ({ decisions }) => ((decisions[0] as { tracked: number }).tracked = 5)],
    ['event 2 (id-2)', ({ events }) => ((events[1] as { in_period: string }).in_period = 'no')],
    [
      'event 3 (id-3)',
      ({ events }) => ((events[2] as { force_origin: string }).force_origin = 'undetermined'),
    ],
  ])('names %s, which does not follow from the rest', (what, alter) => {
    expect(findingsAfter(alter)).toContain(what)
  })

  it('takes notes in any order of its decisions, and says what does not follow', () => {
    const data = makeReport(
      'audio',
      { from: at(10), to: at(20), time_zone: 'UTC' },
      factsOf(
        [change(1), change(2, { file_hash: 'other', not_before: at(10), not_after: at(11) })],
        [
          noteOf(1, at(13)),
          noteOf(2, at(13), { file_hash: 'other' }),
          noteOf(3, at(14), { file_hash: 'other' }),
        ],
      ),
    )
    expect(data.decisions.map(({ notes }) => notes.map(({ note_id }) => note_id))).toEqual([[2, 3], [1]])
    expect(differences(data, statedFacts(data))).toEqual([])
    const [finding] = differences({ ...data, decisions: [] }, statedFacts(data))
    expect(finding).toEqual({
      chain_position: null,
      what: 'decision 1',
      problem: 'does not follow from the rest of the report',
    })
  })

  it('cannot be made again in an unknown time zone, which is the only finding', () => {
    const findings = findingsAfter(({ head }) => {
      head.period.time_zone = 'Mars/Olympus'
      head.title = 'x'
    })
    expect(findings).toEqual(['head.period.time_zone'])
  })

  it('has the personal values of an event by its key', () => {
    const valuesOf = personalValuesOf(goodReport())
    expect(valuesOf({ classification_id: 2, revision_no: 2 })).toMatchObject(PERSONAL)
    expect(valuesOf({ classification_id: 2, revision_no: 1 })).toBeUndefined()
  })

  it('names an element that is there twice or left out', () => {
    expect(findingsAfter(({ events }) => events.push(structuredClone(events[0]) as never))).toContain(
      'event 4 (id-1)',
    )
    expect(findingsAfter(({ decisions }) => decisions.pop())).toContain('decision 2')
  })

  it('names personal values that were altered, of no event, there twice or in another order', () => {
    const report = goodReport()
    const [one, two] = report.personal_values as [Report['personal_values'][0], Report['personal_values'][0]]
    const findingsOf = (...personal_values: Report['personal_values']) =>
      verifyReport({ ...report, personal_values }).map(({ what, problem }) => [what, problem.split(',')[0]])
    const [first, second] = [1, 2].map((id) => `personal values of revision 2 of classification ${id}`)
    const [differ, order] = ['do not match the commitment of an event', 'are there twice']
    expect(findingsOf(one, two)).toEqual([])
    expect(findingsOf({ ...one, name: 'other.wav' }, two)).toEqual([[first, differ]])
    expect(findingsOf({ ...one, classification_id: 9 })).toEqual([
      ['personal values of revision 2 of classification 9', differ],
    ])
    expect(findingsOf(two, one)).toEqual([[first, order]])
    expect(findingsOf(one, two, two)).toEqual([[second, order]])
  })
})
