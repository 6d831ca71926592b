import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  type DaemonState,
  failingWebhook,
  NEVER,
  observeDaemon,
  succeeded,
  timestamped,
  verified,
  WEBHOOK,
} from '../../support/observe-daemon.ts'
import { evaluate, HAS_PROMTOOL, type RecordedMetrics } from '../../support/promtool.ts'

const RULES = path.resolve(import.meta.dirname, '../../../deploy/alerts.yml')

const rules = readFileSync(RULES, 'utf8')
const ALERTS = [...rules.matchAll(/alert: (\w+)/g)].map(([, name]) => name as string)

it('every alert has an entry in the runbook, and links to it', () => {
  const operations = readFileSync(path.resolve(import.meta.dirname, '../../../docs/operations.md'), 'utf8')
  expect(ALERTS.length).toBeGreaterThan(8)
  expect([...operations.matchAll(/^#### (IdentifaiSync\w+)$/gm)].map(([, name]) => name)).toEqual(ALERTS)
  expect([...rules.matchAll(/runbook: (\S+)/g)].map(([, link]) => link)).toEqual(
    ALERTS.map((name) => `docs/operations.md#${name.toLowerCase()}`),
  )
})

const status =
  (code: number): NonNullable<DaemonState['respond']> =>
  (_, response) => {
    response.statusCode = code
    return {}
  }
describe.skipIf(!HAS_PROMTOOL)('alerts that promtool evaluates on the metrics of a daemon', () => {
  it.concurrent.each<[string, DaemonState, readonly string[]]>([
    ['a healthy daemon', { until: /runs_total\{trigger="fresh",status="succeeded"\} [1-9]/ }, []],
    [
      'a daemon without its database',
      { withoutDatabase: true, until: /database_up 0/ },
      ['IdentifaiSyncDatabaseDown'],
    ],
    [
      'a daemon whose nightly runs fail',
      {
        sql: succeeded('27 hours'),
        fresh: NEVER,
        environment: { SYNC_SCHEDULE: NEVER },
      },
      ['IdentifaiSyncNoSuccess'],
    ],
    [
      'a daemon whose key is refused',
      { respond: status(401), until: /trigger="fresh",status="failed"\} [4-9]/ },
      ['IdentifaiSyncRunsFail'],
    ],
    [
      'a daemon whose API is down',
      {
        respond: status(503),
        environment: { SYNC_RETRIES: '7', SYNC_RETRY_BASE_MS: '1' },
        until: /5xx"\} [6-9]/,
      },
      ['IdentifaiSyncRequestsFail'],
    ],
    [
      'a daemon whose quota another program uses',
      { respond: status(429), environment: { SYNC_RETRY_BASE_MS: '1' }, until: /throttled_total 1[1-9]/ },
      ['IdentifaiSyncThrottled'],
    ],
    [
      'a daemon that does not request new identifiers',
      { fresh: NEVER, sql: `update identifai.identifiers set due_at = now() - interval '20 minutes'` },
      ['IdentifaiSyncFreshWait'],
    ],
    [
      'a daemon whose nightly runs do not reach all identifiers',
      {
        fresh: NEVER,
        sql: `update identifai.identifiers set due_at = now() - interval '27 hours', priority = -10`,
      },
      ['IdentifaiSyncOverdue'],
    ],
    [
      'a daemon with a result that was confirmed long ago',
      {
        fresh: NEVER,
        sql: `update identifai.identifiers set state = 'done', finished_at = now(), due_at = now() + interval '1 hour',
          last_confirmed_at = now() - interval '4 days'`,
      },
      ['IdentifaiSyncConfirmationsOld'],
    ],
    [
      'a daemon that has quarantined a record',
      { respond: ([identifier]) => [{ identifier, status: 5 }], until: /state="quarantined"\} 1/ },
      ['IdentifaiSyncQuarantined'],
    ],
    [
      'a daemon with an identifier that the API does not return',
      { environment: { SYNC_MISSING_AFTER: '1' }, respond: () => [], until: /state="missing"\} 1/ },
      ['IdentifaiSyncMissing'],
    ],
    [
      'a daemon whose API returns a status that is not documented',
      {
        respond: ([identifier]) => [{ identifier, status: 'processing' }],
        until: /undocumented_status_timestamp_seconds \d/,
      },
      ['IdentifaiSyncUndocumentedStatus'],
    ],
    [
      'a daemon whose chain has no new timestamp',
      {
        fresh: NEVER,
        environment: { SEAL_TIMESTAMP_URL: 'http://127.0.0.1:9/' },
        sql: timestamped('51 hours'),
      },
      ['IdentifaiSyncTimestampOld'],
    ],
    [
      'a daemon whose last verification has findings',
      { sql: verified('0', 3), until: /verification_findings 3/ },
      ['IdentifaiSyncDifferences'],
    ],
    [
      'a daemon whose last verification is old',
      {
        sql: verified('9 days', 0),
        environment: { SYNC_VERIFY_SCHEDULE: NEVER },
      },
      ['IdentifaiSyncVerificationOld'],
    ],
    [
      'a daemon whose webhook has failed for two hours',
      { sql: failingWebhook('2 hours'), environment: WEBHOOK },
      ['IdentifaiSyncWebhookFailing'],
    ],
    [
      'a daemon whose webhook has failed for a minute',
      { sql: failingWebhook('1 minute'), environment: WEBHOOK },
      [],
    ],
    [
      'a daemon without verifications',
      {
        sql: verified('9 days', 0),
        environment: { SYNC_VERIFY_SCHEDULE: 'off' },
      },
      [],
    ],
  ])('%s', async (_, state, alerts) => {
    expect(await firing(await observeDaemon(state))).toEqual(alerts.toSorted())
  })

  it.concurrent('a daemon that is gone', async () => {
    expect(await firing({ before: '', after: '' })).toEqual(['IdentifaiSyncGone'])
  })

  it.concurrent('the rules, and the names and types of the metrics', async () => {
    expect(execFileSync('promtool', ['check', 'rules', RULES], { encoding: 'utf8' })).toContain('SUCCESS')
    const { after } = await observeDaemon({})
    const { stderr, status: code } = spawnSync('promtool', ['check', 'metrics'], {
      input: after,
      encoding: 'utf8',
    })
    // prom-client names its own metrics of Node, so promtool's remarks on those are ignored.
    expect(stderr.split('\n').filter((line) => line.includes('identifai'))).toEqual([])
    expect([0, 3]).toContain(code)
  })
})

/** Returns the alerts that fire a day after a daemon's start. */
async function firing(metrics: RecordedMetrics): Promise<string[]> {
  const found = await evaluate([FIRING], metrics, RULES)
  return (found.get(FIRING) ?? []).map(({ labels }) => String(labels.alertname)).toSorted()
}

const FIRING = 'count by (alertname) (ALERTS{alertstate="firing"})'
