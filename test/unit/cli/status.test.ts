import { expect, it } from 'vitest'
import { describeProblems, describeStatus } from '../../../src/cli/status.ts'

type Status = Parameters<typeof describeStatus>[0]

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

const healthy: Status = {
  tracked: [{ state: 'done', identifiers: 1, with_error: 0, common_error: null }],
  due: 0,
  leased: 0,
  waiting: 1,
  next_due_at: null,
  paused_until: null,
  next_nightly_at: null,
  newest_timestamp: null,
  last_verification: null,
  webhook_failure: null,
  last_runs: [run],
}

/** The lines after the heading. */
function problemsOf(changes: Partial<Status>): string[] {
  const status = { ...healthy, ...changes }
  const text = describeProblems(status)
  expect(describeStatus(status).startsWith('Nothing needs attention.\n\n')).toBe(text === null)
  if (text === null) return []
  const [heading, ...problems] = text.split('\n')
  expect([heading, problems.pop()]).toEqual(['Needs attention:', ''])
  return problems
}

it('the queue has the identifiers that are due, and those that a run has leased', () => {
  expect(describeStatus({ ...healthy, due: 2, leased: 1 })).toContain(
    '\n2 identifiers due now, 1 identifier leased by a run.\n',
  )
})

it('the next due time follows, and an empty queue says how to add identifiers', () => {
  const next_due_at = new Date('2026-06-02T03:00:00Z')
  expect(describeStatus({ ...healthy, next_due_at })).toContain(
    ' leased by a run. The next one is due at 2026-06-02 03:00:00Z.\n',
  )
  expect(describeStatus({ ...healthy, tracked: [] })).toBe(
    'Nothing is tracked yet. Add identifiers with: identifai-sync enqueue <id...>',
  )
})

it('a healthy queue needs no attention, and its numbers follow', () => {
  expect(
    describeStatus({ ...healthy, next_nightly_at: new Date('2026-06-02T02:00:00Z') }).split('\n'),
  ).toEqual([
    'Nothing needs attention.',
    '',
    'state  identifiers  with_error',
    '-----  -----------  ----------',
    'done             1           0',
    '',
    '0 identifiers due now, 0 identifiers leased by a run.',
    '',
    'started               took         trigger  status     claimed  requests  changed',
    '--------------------  -----------  -------  ---------  -------  --------  -------',
    '2026-06-01 02:00:00Z  1.5 minutes  nightly  succeeded   12,000       120        3',
    '',
    'With SYNC_SCHEDULE as it is set here, a daemon starts the next nightly run at 2026-06-02 02:00:00Z.',
  ])
})

it('the age of the newest timestamp follows, and its lack where timestamps are expected', () => {
  const newest_timestamp = { chain_position: 12, received_at: new Date(), age_seconds: 3 * 3600 }
  const text = '\n\nThe newest timestamp of the chain is 3.0 hours old (chain position 12).'
  expect(describeStatus({ ...healthy, newest_timestamp }).endsWith(text)).toBe(true)
  expect(describeStatus(healthy, true).endsWith('\n\nThe chain has no timestamp yet.')).toBe(true)
  expect(describeStatus(healthy)).not.toContain('timestamp')
})

it('a webhook that fails needs attention', () => {
  const webhook_failure = { failing_since: new Date('2026-06-01T02:00:00Z'), last_error: 'status 500' }
  expect(problemsOf({ webhook_failure })).toEqual([
    '- The receiver of FORCE_WEBHOOK_URL has accepted no notification since 2026-06-01 02:00:00Z: status 500. Check it. The daemon repeats the notification until it is accepted.',
  ])
})

const verification = {
  started_at: new Date('2026-06-07T12:00:00Z'),
  finished_at: new Date('2026-06-07T12:01:00Z'),
  runs: 1234,
  chain_head: 'a'.repeat(64),
  classifications: 1,
  findings: 0,
  first_findings: null,
  seconds_ago: 60,
}

it('the last verification is below the numbers, and needs attention when it has findings', () => {
  const good = { last_verification: verification }
  expect(problemsOf(good)).toEqual([])
  expect(describeStatus({ ...healthy, ...good })).toMatch(
    /\n\nLast verification: 2026-06-07 12:00:00Z, of 1,234 sealed runs and the tables of 1 classification, with 0 findings\.$/,
  )
  const first_findings = 'note 1 differs.\nnote 2 differs.'
  expect(problemsOf({ last_verification: { ...verification, findings: 7, first_findings } })).toEqual([
    '- The verification of 2026-06-07 12:00:00Z has 7 findings, of which the first are:',
    '    note 1 differs.',
    '    note 2 differs.',
    '  To list all of them: identifai-sync report verify --tables',
  ])
  expect(problemsOf({ last_verification: { ...verification, findings: 1, first_findings } })).not.toEqual([])
})

const error = `The run gave up, because ${'x'.repeat(100)}. Run it again later.`
const failed = { ...run, status: 'failed' as const, error }

it('runs that no success has followed need attention, with their whole errors', () => {
  expect(problemsOf({ last_runs: [failed, { ...failed, status: 'interrupted' }, run] })).toEqual([
    `- The run of 2026-06-01 02:00:00Z failed: ${error}`,
    `- The run of 2026-06-01 02:00:00Z was interrupted: ${error}`,
  ])
})

it('the error of a run that a success has followed is below the numbers', () => {
  const last_runs = [{ ...run, status: 'partial' as const }, failed]
  expect(problemsOf({ last_runs })).toEqual([])
  expect(describeStatus({ ...healthy, last_runs })).toMatch(
    /failed .*\n\nThe run of 2026-06-01 02:00:00Z failed: The run gave up, because x+\. Run it again later\.$/,
  )
})

it.each([
  [120, []],
  [
    600,
    [
      '- The run of 2026-06-01 02:00:00Z recorded its last heartbeat 10.0 minutes ago, because its process died or lost the database. The next run closes it.',
    ],
  ],
])('a run in progress that has been silent for %s seconds', (seconds_since_heartbeat, problems) => {
  expect(problemsOf({ last_runs: [{ ...run, status: 'running', seconds_since_heartbeat }] })).toEqual(
    problems,
  )
})

it('a pause, and identifiers with a problem, need attention with the command that helps', () => {
  expect(
    problemsOf({
      paused_until: new Date('2026-06-01T03:00:00Z'),
      tracked: [
        { state: 'pending', identifiers: 9, with_error: 2, common_error: 'Not returned.' },
        { state: 'retired', identifiers: 1, with_error: 0, common_error: null },
      ],
    }),
  ).toEqual([
    '- Requests are paused until 2026-06-01 03:00:00Z, because the API requested it or other processes wait for slots. If the API is wrong, end the pause with: identifai-sync resume',
    '- 2 pending identifiers, most often because: Not returned. To list them: identifai-sync status --stuck',
  ])
  expect(problemsOf({ last_runs: [] })).toEqual([
    '- No run has started yet. Start one with: identifai-sync sync',
  ])
})
