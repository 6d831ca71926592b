import * as units from '@grafana/grafana-foundation-sdk/units'
import { colorsOfFlag, limitOf } from './alerts.ts'
import { SELECTED, stat } from './panels.ts'

/** The start of the daemon counts before the first success. */
const LAST_SUCCESS = `(
    identifai_sync_last_success_timestamp_seconds{${SELECTED}}
    or on (job, instance) process_start_time_seconds{${SELECTED}}
  )`

/** In seconds. */
const MAX_AGE = limitOf('IdentifaiSyncNoSuccess')

const FAILED = 'status_class=~"5xx|none"'

/** The first row: the state of all selected daemons in one line. */
export const HEALTH = [
  stat('Daemons', {
    description:
      'Daemons that Prometheus scrapes. At 0, check the process, `/livez`, and the address in the configuration of Prometheus. `identifai-sync doctor` checks the setup of a daemon that does not start.',
    query: `count(identifai_sync_build_info{${SELECTED}}) or vector(0)`,
    alert: 'IdentifaiSyncGone',
    unit: units.NoUnit,
    empty: 'Unknown',
    width: 3,
  }),
  stat('Ready', {
    description: `Ready when every daemon reaches its database, and the last success is at most ${MAX_AGE / 3600} hours old, which is the default of HTTP_READY_MAX_AGE_HOURS. \`/readyz\` of a daemon has the reasons. \`identifai-sync doctor\` checks the setup.`,
    query: `min(
  identifai_sync_database_up{${SELECTED}} * on (job, instance)
  (time() - ${LAST_SUCCESS} <= bool ${MAX_AGE})
)`,
    colors: colorsOfFlag(),
    unit: units.NoUnit,
    texts: { 0: 'Not ready', 1: 'Ready' },
    empty: 'Unknown',
    width: 3,
  }),
  stat('Database', {
    description:
      'Down when a daemon cannot use its database. The values of the queue are unknown meanwhile. `identifai-sync doctor` finds the cause.',
    query: `min(identifai_sync_database_up{${SELECTED}})`,
    alert: 'IdentifaiSyncDatabaseDown',
    unit: units.NoUnit,
    texts: { 0: 'Down', 1: 'Up' },
    empty: 'Unknown',
    width: 3,
  }),
  stat('Last success', {
    description:
      'Time since the end of the last nightly run that succeeded. Before the first, it is the time since the start of the daemon. `identifai-sync status` shows the last runs with their errors.',
    query: `max(time() - ${LAST_SUCCESS})`,
    alert: 'IdentifaiSyncNoSuccess',
    unit: units.Seconds,
    empty: 'Unknown',
    width: 3,
  }),
  stat('Findings', {
    description:
      'Rows, views and triggers that differ from the history, in the last verification. `identifai-sync status` shows the first findings, and `identifai-sync report verify --tables` lists all of them.',
    query: `max(identifai_sync_verification_findings{${SELECTED}})`,
    alert: 'IdentifaiSyncDifferences',
    unit: units.NoUnit,
    empty: 'Unknown',
    width: 3,
  }),
  stat('Failed runs, 15 min', {
    description:
      'Runs that failed within 15 minutes, of the daemon with most of them. The log has the causes at level `error`. `identifai-sync doctor` finds the current problem.',
    query: `max(sum by (job, instance) (increase(identifai_sync_runs_total{${SELECTED}, status="failed"}[15m])))`,
    alert: 'IdentifaiSyncRunsFail',
    unit: units.LocaleFormat,
    empty: 'Unknown',
    width: 3,
  }),
  stat('Failed requests, 15 min', {
    description:
      'Share of the requests within 15 minutes with a server error or without a response, of the daemon with the highest share. `identifai-sync doctor` sends a request. Check the status page of the vendor, then the proxy and the firewall. The alert also requires more than five such requests.',
    // Without requests, the share is 0 as long as a daemon is scraped.
    query: `max(
  sum by (job, instance) (increase(identifai_sync_requests_total{${SELECTED}, ${FAILED}}[15m]))
  / (sum by (job, instance) (increase(identifai_sync_requests_total{${SELECTED}}[15m])) > 0)
) or 0 * max(identifai_sync_build_info{${SELECTED}})`,
    alert: 'IdentifaiSyncRequestsFail',
    unit: units.PercentUnit,
    empty: 'Unknown',
    width: 3,
  }),
  stat('Status 429, 1 h', {
    description:
      'Responses with status 429 within an hour, of the daemon with most of them. Another program uses the key, or the quota is lower than configured. `identifai-sync status` shows how long a pause lasts.',
    query: `max(increase(identifai_sync_throttled_total{${SELECTED}}[1h]))`,
    alert: 'IdentifaiSyncThrottled',
    unit: units.LocaleFormat,
    empty: 'Unknown',
    width: 3,
  }),
]
