import * as units from '@grafana/grafana-foundation-sdk/units'
import { chart, perMinute, SELECTED } from './panels.ts'

/** The row of the runs and their results. */
export const RUNS = [
  chart('Ended runs', {
    description:
      'Runs of these daemons that ended, by trigger and status. A partial run is a success, and `identifai-sync status --stuck` lists its problems. `identifai-sync status` shows the last runs with their errors.',
    queries: {
      '{{trigger}} {{status}}': `sum by (trigger, status) (increase(identifai_sync_runs_total{${SELECTED}}[$__rate_interval]))`,
    },
    unit: units.Short,
    style: 'bars',
    width: 8,
  }),
  chart('Duration of the last run', {
    description:
      'Duration of the last run by trigger. A nightly run that gets longer may not fit into a night: `identifai-sync plan` shows its cost.',
    queries: {
      '{{trigger}}': `max by (trigger) (identifai_sync_last_run_duration_seconds{${SELECTED}})`,
    },
    unit: units.Seconds,
    width: 8,
  }),
  chart('Identifiers per minute', {
    description:
      'Identifiers that runs claimed, and those that a response left out. Many of the second kind can mean the key of another account: `identifai-sync doctor` checks it.',
    queries: {
      claimed: perMinute('identifai_sync_identifiers_claimed_total'),
      'not returned': perMinute('identifai_sync_identifiers_not_returned_total'),
    },
    unit: units.CountsPerMinute,
    width: 8,
  }),
  chart('Records per minute', {
    description:
      'Records by content: new or changed, unchanged, or quarantined because they do not fit the contract. `identifai-sync status --stuck` shows the quarantined ones.',
    queries: {
      'new or changed': perMinute('identifai_sync_contents_changed_total'),
      unchanged: perMinute('identifai_sync_contents_unchanged_total'),
      quarantined: perMinute('identifai_sync_records_quarantined_total'),
    },
    unit: units.RecordsPerMinute,
    style: 'areas',
    width: 8,
  }),
  chart('Changes of forced labels', {
    description:
      'Changes of a forced label within each interval. `identifai-sync report forced` lists them, with the interval of each.',
    queries: {
      changes: `sum(increase(identifai_sync_force_changes_total{${SELECTED}}[$__rate_interval]))`,
    },
    unit: units.Short,
    style: 'bars',
    width: 8,
  }),
  chart('Rows per minute', {
    description:
      'Committed rows of results and history. Zero is normal while contents are unchanged. `identifai-sync status` shows the last runs, and docs/scaling.md has the sizes of tables.',
    queries: { written: perMinute('identifai_sync_rows_written_total') },
    unit: units.RowsPerMinute,
    width: 8,
  }),
]
