import type { Facts } from '../../src/compliance/report/make-report.ts'
import type { ForceChange, Note } from '../../src/compliance/report/schema.ts'
import { at } from './july.ts'

/** A change to human on the 12th of July, of a file with a name. */
export function change(classification_id: number, more: Partial<ForceChange> = {}): ForceChange {
  return {
    event: 'forced',
    identifier: `id-${classification_id}`,
    forced_from: null,
    forced_to: 'human',
    not_before: at(11),
    not_after: at(12),
    file_hash: 'file',
    personal_commitment: 'c'.repeat(64),
    submitted_at: null,
    machine_classification_before: 'artificial',
    machine_confidence_before: 0.95,
    machine_heuristic_before: 'Majority',
    machine_classification_after: 'artificial',
    machine_confidence_after: 0.95,
    machine_heuristic_after: 'Majority',
    classification_id,
    revision_no: 2,
    revision_no_before: 1,
    run_id: '00000000-0000-4000-8000-000000000001',
    chain_position: 3,
    ...more,
  }
}

export function noteOf(note_id: number, noted_at: string, more: Partial<Note> = {}): Note {
  return {
    note_id,
    noted_at,
    file_hash: 'file',
    forced_to: 'human',
    author: 'A. Rossi',
    reason: 'Caller called back',
    ticket: null,
    reviewer: null,
    corrects: null,
    ...more,
  }
}

/** The facts of a complete report, with these events and notes. */
export function factsOf(events: readonly ForceChange[], notes: readonly Note[] = []): Facts {
  return {
    asOf: {
      run_id: '00000000-0000-4000-8000-000000000009',
      finished_at: at(25),
      chain_position: 9,
      chain_head: 'a'.repeat(64),
      notes_through: 4,
      first_http_date: null,
      last_http_date: null,
    },
    coverage: {
      tracked: 10,
      finished: 10,
      done: 10,
      errored: 0,
      pending: 0,
      missing: 0,
      quarantined: 0,
      retired: 0,
      retired_reasons: [],
      reanalyzing: 0,
      observed_since: at(1),
      confirmed_since: at(24),
      unfinished_since: null,
      unsealed_runs: 0,
    },
    events,
    notes,
    counts: {
      now: { with_result: 10, forced: 0, forced_share: 0, machine_to_forced: [] },
      alreadyForced: 2,
      tracked: (hash) => hash.length,
      sameFile: ({ classification_id }) => classification_id * 10,
    },
  }
}
