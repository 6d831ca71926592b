import * as units from '@grafana/grafana-foundation-sdk/units'
import { chart, SELECTED, stat } from './panels.ts'

/** The row of the verifications of the history, and of the timestamps of its chain. */
export const VERIFICATION = [
  stat('Last verification', {
    description:
      'Time since the end of the last verification. Before the first, it is the time since the start of the daemon. The log has the cause of a failure. `identifai-sync report verify --tables` verifies now.',
    query: `max(time() - identifai_sync_last_verification_timestamp_seconds{${SELECTED}})`,
    alert: 'IdentifaiSyncVerificationOld',
    unit: units.Seconds,
    empty: 'Off or unknown',
    width: 6,
  }),
  stat('Newest timestamp', {
    description:
      'Age of the newest timestamp of the chain. Before the first, it is the time since the start of the daemon. Off without SEAL_TIMESTAMP_URL. `identifai-sync status` prints this age. The log event `timestamp request failed` has the cause of a failure.',
    query: `max(time() - identifai_sync_newest_token_timestamp_seconds{${SELECTED}})`,
    alert: 'IdentifaiSyncTimestampOld',
    unit: units.Seconds,
    empty: 'Off or unknown',
    width: 6,
  }),
  chart('Findings of the last verification', {
    description:
      'The first verification with findings limits the time at which rows, views or triggers were altered. `identifai-sync report verify --tables` lists the findings.',
    queries: { findings: `max(identifai_sync_verification_findings{${SELECTED}})` },
    unit: units.Short,
    width: 12,
  }).height(4),
]
