import { describe, expect, it } from 'vitest'
import { describeTimeline } from '../../../src/cli/describe-timeline.ts'
import type { Timeline } from '../../../src/compliance/history/read-timeline.ts'
import type { DatabaseTime } from '../../../src/platform/time.ts'

type Revision = Timeline['revisions'][number]

const [MAY, JUNE, JULY] = [5, 6, 7].map((month) => `2026-0${month}-01T02:00:00.000000Z`) as [
  DatabaseTime,
  DatabaseTime,
  DatabaseTime,
]

const TRACKED: Timeline = {
  identifier: 'a',
  media: 'audio',
  classification_id: 1,
  state: 'done',
  source: null,
  submitted_at: null,
  enqueued_at: MAY,
  last_requested_at: null,
  last_confirmed_at: null,
  due_at: null,
  retired_at: null,
  retired_reason: null,
  last_error: null,
  file_hash: null,
  same_file_identifiers: [],
  revisions: [],
  notes: [],
}

const FORCED: Revision = {
  revision_no: 2,
  causes: ['forced'],
  not_before: MAY,
  not_after: JUNE,
  status: 'done',
  machine_classification: 'artificial',
  machine_confidence: 0.93,
  machine_heuristic: 'majority',
  force_classification: 'human',
  file_hash: null,
  name: null,
  ref_id: null,
  result_url: null,
  api_version: null,
  content_digest: 'digest',
  digest_version: 1,
  is_payload_stored: true,
  run_id: 'run',
  chain_position: 2,
}

const linesOf = (changes: Partial<Timeline>) => describeTimeline({ ...TRACKED, ...changes }).split('\n')

describe('the head of a history', () => {
  it.each([
    [1, '1 other identifier: b1'],
    [5, '5 other identifiers: b1, b2, b3, b4, b5'],
    [6, '6 other identifiers: b1, b2, b3, b4, b5, ...'],
  ])('names five identifiers of the same file, of %i', (number, text) => {
    const same_file_identifiers = Array.from({ length: number }, (_, n) => `b${n + 1}`)
    expect(linesOf({ same_file_identifiers })).toContain(`same file      ${text}`)
  })

  it('has the reason of a retirement, and none for a tracked identifier', () => {
    expect(linesOf({ retired_at: JULY, retired_reason: 'erasure request 88' })).toContain(
      `retired        ${JULY}: erasure request 88`,
    )
    expect(describeTimeline(TRACKED)).not.toMatch(/^(retired|same file|name)/m)
  })

  it('has the latest name', () => {
    const revisions = ['old.wav', 'new.wav'].map((name) => ({ ...FORCED, name }))
    expect(linesOf({ revisions })).toContain('name           new.wav')
  })
})

it.each<[string, Partial<Revision>, string[]]>([
  [
    'is forced',
    {},
    [
      'FORCED',
      `not before ${MAY}, and not after ${JUNE}`,
      'done; machine verdict artificial, confidence 0.93 (majority)',
      'forced to human, which counts',
    ],
  ],
  [
    'has no verdict and no force',
    { machine_classification: null, force_classification: null, causes: ['errors_changed', 'unforced'] },
    [
      'another error, NO LONGER FORCED',
      `not before ${MAY}, and not after ${JUNE}`,
      'done; the machine gave no verdict',
      'not forced',
    ],
  ],
  [
    'disappeared',
    { causes: ['disappeared'] },
    ['no longer returned by the API', `observed at ${JUNE}; last confirmed at ${MAY}`],
  ],
  [
    'disappeared before it was confirmed',
    { causes: ['disappeared'], not_before: null },
    ['no longer returned by the API', `observed at ${JUNE}; last confirmed at an unknown time`],
  ],
])('a revision that %s says so, with its times', (_, changes, lines) => {
  expect(linesOf({ revisions: [{ ...FORCED, ...changes }] }).slice(-lines.length)).toEqual([
    `  2  ${lines[0]}`,
    ...lines.slice(1).map((line) => `     ${line}`),
  ])
})

it('a note has what it corrects, its ticket and its reviewer', () => {
  const note = {
    note_id: 7,
    noted_at: JULY,
    forced_to: 'none' as const,
    author: 'A. Rossi',
    reason: 'heard it',
    ticket: null,
    reviewer: null,
    corrects: null,
  }
  const full = { ...note, forced_to: 'human' as const, ticket: 'F-1', reviewer: 'B. Neri', corrects: 6 }
  expect(linesOf({ notes: [note, full] }).slice(-3)).toEqual([
    'Notes on the file:',
    `  7  ${JULY}, A. Rossi: no longer forced, because heard it`,
    `  7  ${JULY}, A. Rossi: forced to human, because heard it (corrects note 6, ticket F-1, reviewed by B. Neri)`,
  ])
})
