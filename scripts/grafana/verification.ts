import * as units from '@grafana/grafana-foundation-sdk/units'
import { chart, SELECTED, stat } from './panels.ts'

/** The row of the verifications of the history, of the timestamps of its chain, and of the notifications about it. */
export const VERIFICATION = [
  stat('Last verification', {
    description:
      'Time since the end of the last verification. Before the first, it is the time since the start of the daemon. The log has the cause of a failure. `identifai-sync report verify --tables` verifies now.',
    query: `max(time() - identifai_sync_last_verification_timestamp_seconds{${SELECTED}})`,
    alert: 'IdentifaiSyncVerificationOld',
    unit: units.Seconds,
    empty: 'Off or unknown',
    width: 5,
  }),
  stat('Newest timestamp', {
    description:
      'Age of the newest timestamp of the chain. Before the first, it is the time since the start of the daemon. Off without SEAL_TIMESTAMP_URL. `identifai-sync status` prints this age. The log event `timestamp request failed` has the cause of a failure.',
    query: `max(time() - identifai_sync_newest_token_timestamp_seconds{${SELECTED}})`,
    alert: 'IdentifaiSyncTimestampOld',
    unit: units.Seconds,
    empty: 'Off or unknown',
    width: 5,
  }),
  stat('Webhook failing for', {
    description:
      'Time since the first failure after the last accepted notification. Off without FORCE_WEBHOOK_URL. `identifai-sync status` prints the reason. The daemon repeats the notification until it is accepted.',
    query: `max(identifai_sync_webhook_failing_seconds{${SELECTED}})`,
    alert: 'IdentifaiSyncWebhookFailing',
    unit: units.Seconds,
    empty: 'Off or unknown',
    width: 5,
  }),
  chart('Findings of the last verification', {
    description:
      'The first verification with findings limits the time at which rows, views or triggers were altered. `identifai-sync report verify --tables` lists the findings.',
    queries: { findings: `max(identifai_sync_verification_findings{${SELECTED}})` },
    unit: units.Short,
    width: 9,
  }).height(4),
]
