import { expect, it } from 'vitest'
import { describeStatus } from '../../../src/cli/status.ts'

const run = {
  started_at: new Date('2026-06-01T02:00:00Z'),
  trigger: 'nightly' as const,
  status: 'succeeded' as const,
  seconds: 90,
  claimed: 12_000,
  requests: 120,
  changed: 3,
  seconds_since_heartbeat: null,
  error: null,
}

/** The lines about these runs, below the table of states. */
function linesAbout(...last_runs: Parameters<typeof describeStatus>[0]['last_runs']): string[] {
  const text = describeStatus({
    tracked: [{ state: 'done', identifiers: 1, with_error: 0, common_error: null }],
    due: 0,
    leased: 0,
    next_due_at: null,
    paused_until: null,
    next_nightly_at: null,
    last_runs,
  })
  return text.split('\n').slice(6)
}

it('the last runs are a table, and their whole errors follow below it', () => {
  const error = `The run gave up, because ${'x'.repeat(100)}. Run it again later.`
  expect(linesAbout(run, { ...run, status: 'failed', error })).toEqual([
    'started               took         trigger  status     claimed  requests  changed',
    '--------------------  -----------  -------  ---------  -------  --------  -------',
    '2026-06-01 02:00:00Z  1.5 minutes  nightly  succeeded   12,000       120        3',
    '2026-06-01 02:00:00Z  1.5 minutes  nightly  failed      12,000       120        3',
    '',
    `2026-06-01 02:00:00Z: ${error}`,
  ])
})

it.each([
  [40, 'its last heartbeat was 40 seconds ago'],
  [
    600,
    'its last heartbeat was 10.0 minutes ago, because its process died or lost the database. The next run closes it.',
  ],
])('a run in progress has its last heartbeat, %s seconds ago', (seconds_since_heartbeat, remark) => {
  expect(linesAbout({ ...run, status: 'running', seconds_since_heartbeat }).at(-1)).toBe(
    `2026-06-01 02:00:00Z: ${remark}`,
  )
})
