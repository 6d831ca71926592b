import { expect, it } from 'vitest'
import { sealedFacts, sealedNote } from '../../../../src/compliance/report/sealed-facts.ts'

const COUNTS = {
  tracked_count: 21,
  done_count: 1,
  errored_count: 2,
  pending_count: 3,
  missing_count: 4,
  quarantined_count: 5,
  retired_count: 6,
  reanalyzing_count: 7,
  unsealed_runs: 8,
  notes_through: 9,
}
const row = {
  run_id: 'run',
  finished_at: '2026-07-01T00:00:00.000000Z',
  ...COUNTS,
  forced_now: [
    { media: 'audio', machine: 'human', forced_to: 'artificial', identifiers: 1 },
    { media: 'image', machine: 'human', forced_to: 'artificial', identifiers: 4 },
    { media: 'audio', machine: 'human', forced_to: null, identifiers: 2 },
  ],
}
const factsOf = (more: object = {}) =>
  sealedFacts('audio', {
    chain_position: 5,
    chain_head: 'head',
    row: { ...row, ...more },
  })

it('are those of the row, and of one medium', () => {
  expect(factsOf()).toEqual({
    asOf: {
      run_id: 'run',
      finished_at: row.finished_at,
      chain_position: 5,
      chain_head: 'head',
      notes_through: 9,
      first_http_date: null,
      last_http_date: null,
    },
    now: {
      with_result: 3,
      forced: 1,
      forced_share: 1 / 3,
      machine_to_forced: [{ machine: 'human', forced_to: 'artificial', identifiers: 1 }],
    },
    coverage: {
      tracked: 21,
      finished: 3,
      done: 1,
      errored: 2,
      pending: 3,
      missing: 4,
      quarantined: 5,
      retired: 6,
      retired_reasons: [],
      reanalyzing: 7,
      confirmed_since: null,
      unfinished_since: null,
      unsealed_runs: 8,
    },
  })
})

it('have the columns that were not null', () => {
  const more = {
    first_http_date: 'first',
    last_http_date: 'last',
    retired_reasons: [{ reason: 'deleted', identifiers: 6 }],
    confirmed_since: 'confirmed',
    unfinished_since: 'unfinished',
  }
  const { asOf, coverage } = factsOf(more)
  expect({ ...asOf, ...coverage }).toMatchObject(more)
})

it('take a note without its medium, with null for columns that were null', () => {
  const note = { note_id: 1, noted_at: 't', file_hash: 'h', forced_to: 'human', author: 'A', reason: 'r' }
  expect(sealedNote({ ...note, media: 'audio' })).toEqual({
    ...note,
    ticket: null,
    reviewer: null,
    corrects: null,
  })
  const more = { ticket: 'T', reviewer: 'R', corrects: 7 }
  expect(sealedNote({ ...note, ...more, media: 'audio' })).toEqual({ ...note, ...more })
})
