import * as units from '@grafana/grafana-foundation-sdk/units'
import { limitOf } from './alerts.ts'
import { chart, SELECTED, stat } from './panels.ts'

/** The row of the tracked identifiers. All daemons of a job share a database, so each of them has the same values. */
export const QUEUE = [
  stat('Due', {
    description: 'Identifiers that are due now. `identifai-sync plan` shows when the queue clears.',
    query: `sum(max by (job, due_by) (identifai_sync_identifiers_due{${SELECTED}}))`,
    unit: units.LocaleFormat,
    empty: 'Unknown',
    width: 4,
  }),
  stat('Wait of new identifiers', {
    description:
      'Longest time for which an identifier of fresh runs has been due. Either fresh runs fail, or there are more new identifiers than the quota allows. `identifai-sync plan` shows when the queue clears.',
    query: `max(identifai_sync_oldest_due_age_seconds{${SELECTED}, due_by="fresh"})`,
    alert: 'IdentifaiSyncFreshWait',
    unit: units.Seconds,
    empty: 'Unknown',
    width: 4,
  }),
  stat('Overdue', {
    description:
      'Identifiers that are due for longer than HTTP_READY_MAX_AGE_HOURS. `identifai-sync plan` shows whether a full refresh fits into a night.',
    query: `sum(max by (job) (identifai_sync_identifiers_overdue{${SELECTED}}))`,
    alert: 'IdentifaiSyncOverdue',
    unit: units.LocaleFormat,
    empty: 'Unknown',
    width: 3,
  }),
  stat('Oldest confirmation', {
    description:
      'Each finished identifier has a time when the API last returned it. This is the age of the oldest one. If its result changed meanwhile, the time of the change is an interval of this length. `identifai-sync plan` shows the cost of a full refresh.',
    query: `max(time() - identifai_sync_oldest_confirmation_timestamp_seconds{${SELECTED}})`,
    alert: 'IdentifaiSyncConfirmationsOld',
    unit: units.Seconds,
    empty: 'None or unknown',
    width: 4,
  }),
  stat('Quarantined', {
    description:
      'Identifiers whose record does not fit the contract. `identifai-sync status --stuck` shows which and why. After an upgrade that accepts the records, run `identifai-sync replay`.',
    query: `sum(max by (job) (identifai_sync_identifiers{${SELECTED}, state="quarantined"}))`,
    alert: 'IdentifaiSyncQuarantined',
    unit: units.LocaleFormat,
    empty: 'Unknown',
    width: 3,
  }),
  stat('New missing, 1 d', {
    description:
      'Increase of missing identifiers within a day. `identifai-sync status --stuck` lists them, and `identifai-sync explain` shows the history of one.',
    query: `sum(max by (job) (delta(identifai_sync_identifiers{${SELECTED}, state="missing"}[1d])))`,
    alert: 'IdentifaiSyncMissing',
    unit: units.LocaleFormat,
    empty: 'Unknown',
    width: 3,
  }),
  stat('Undocumented status, 1 d', {
    description:
      'Yes when new content within the last day had a status that is not documented. `identifai-sync doctor` names the status.',
    // The metric is absent when no content ever had such a status, and when the database is down.
    query: `max(
  time() - identifai_sync_undocumented_status_timestamp_seconds{${SELECTED}}
  < bool ${limitOf('IdentifaiSyncUndocumentedStatus')}
) or 0 * max(identifai_sync_database_up{${SELECTED}} == 1)`,
    alert: 'IdentifaiSyncUndocumentedStatus',
    unit: units.NoUnit,
    texts: { 0: 'No', 1: 'Yes' },
    empty: 'Unknown',
    width: 3,
  }),
  chart('Identifiers by state', {
    description:
      'Tracked identifiers by state. An increase of missing or quarantined identifiers needs attention: `identifai-sync status --stuck` lists them.',
    queries: {
      '{{state}}': `sum by (state) (max by (job, state) (identifai_sync_identifiers{${SELECTED}}))`,
    },
    unit: units.Short,
    width: 8,
  }),
  chart('Due identifiers', {
    description:
      'Identifiers due now: those that fresh runs request, and those that only a nightly run requests. A nightly run brings both to zero. `identifai-sync plan` shows when the queue clears.',
    queries: {
      '{{due_by}}': `sum by (due_by) (max by (job, due_by) (identifai_sync_identifiers_due{${SELECTED}}))`,
    },
    unit: units.Short,
    style: 'areas',
    width: 8,
  }),
  chart('Longest time due', {
    description:
      'Longest time for which an identifier has been due. Those of nightly runs wait for a day by design. `identifai-sync plan` shows when the queue clears.',
    queries: {
      '{{due_by}}': `max by (due_by) (identifai_sync_oldest_due_age_seconds{${SELECTED}})`,
    },
    unit: units.Seconds,
    width: 8,
  }),
]
