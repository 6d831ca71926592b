import { expect, it } from 'vitest'
import { describeRun, progressText } from '../../../src/cli/sync.ts'
import { emptyTally } from '../../../src/pipeline/run/rules/tally.ts'
import type { SyncRunRow } from '../../../src/platform/postgres/tables/runs.ts'

const tally = { ...emptyTally(), done: 1150, pending: 50, requests: 12, changed: 3, retries: 1 }

it.each([
  [
    'in progress',
    { tally, total: 45_000, elapsedSeconds: 12.18, spacingSeconds: 1.015 },
    '1,200 of 45,000 identifiers, 99 a second, 100 % of the quota used, 3 changes, 1 retry, 7.4 minutes left',
  ],
  [
    'slower than the quota',
    { tally: { ...tally, retries: 0 }, total: 1200, elapsedSeconds: 240, spacingSeconds: 1 },
    '1,200 of 1,200 identifiers, 5.0 a second, 5 % of the quota used, 3 changes',
  ],
  [
    'at its beginning',
    { tally: emptyTally(), total: 1, elapsedSeconds: 0, spacingSeconds: 1 },
    '0 of 1 identifier, 0.0 a second, 0 % of the quota used, 0 changes',
  ],
  [
    'with more than were due at first',
    { tally, total: 100, elapsedSeconds: 1, spacingSeconds: 0.01 },
    '1,200 of 1,200 identifiers, 1,200 a second, 12 % of the quota used, 3 changes, 1 retry',
  ],
])('the progress of a run %s', (_, progress, text) => {
  expect(progressText(progress)).toBe(text)
})

it.each([
  [
    'succeeded',
    { due: 0, leased: 2, waiting: 1, next_due_at: new Date('2026-06-01T02:00Z') },
    'Nothing was due. 1 identifier waits, and the next one is due at 2026-06-01 02:00:00Z. Other runs have leased 2 identifiers.',
  ],
  [
    'interrupted',
    { due: 3, leased: 0, waiting: 0, next_due_at: null },
    'Nothing was requested. No identifier waits to be due. Now 3 identifiers are due.',
  ],
] as const)('a run that %s without a claim says what waits', (status, queue, text) => {
  const at = new Date('2026-06-01T01:00Z')
  const run = { ...emptyTally(), run_id: 'r', status, started_at: at, finished_at: at, tracked_count: 3 }
  expect(describeRun(run as unknown as SyncRunRow, queue).split('\n')[1]).toBe(text)
})

it('a run with claims has each of their outcomes, its changes, and all tracked identifiers by state', () => {
  const at = new Date('2026-06-01T01:00Z')
  const outcomes = { done: 1, errored: 2, pending: 3, not_returned: 4, quarantined: 5, released: 6 }
  const run = {
    ...emptyTally(),
    ...outcomes,
    changed: 1,
    unchanged: 2,
    force_changes: 3,
    run_id: 'r',
    status: 'partial',
    claimed: 21,
    requests: 1,
    started_at: at,
    finished_at: new Date(at.getTime() + 1500),
    tracked_count: 1022,
    done_count: 1021,
    retired_count: 1,
  }
  expect(describeRun(run as unknown as SyncRunRow, undefined)).toBe(
    `Run r partial after 1.5 s.
21 identifiers in 1 request: 1 done, 2 errored, 3 pending, 4 not returned, 5 quarantined, 6 released.
1 change, 2 unchanged, 3 force changes.
Tracked: 1,022 (1,021 done, 1 retired).`,
  )
})
