import * as units from '@grafana/grafana-foundation-sdk/units'
import { chart, perMinute, SELECTED } from './panels.ts'

const quantile = (share: number) =>
  `histogram_quantile(${share}, sum by (le) (rate(identifai_sync_request_duration_seconds_bucket{${SELECTED}}[$__rate_interval])))`

/** The row of the requests to the API. */
export const REQUESTS = [
  chart('Requests per minute', {
    description:
      'Requests by status class; `none` had no response. The dashed line is the quota: enter SYNC_REQUESTS_PER_MINUTE above. All processes on one database share it. `identifai-sync plan` shows how long the due requests take.',
    queries: {
      '{{status_class}}': `60 * sum by (status_class) (rate(identifai_sync_requests_total{${SELECTED}}[$__rate_interval]))`,
      Quota: 'vector($quota)',
    },
    unit: units.RequestsPerMinute,
    style: 'areas',
    width: 12,
  }).overrideByName('Quota', [
    { id: 'custom.stacking', value: { mode: 'none' } },
    { id: 'custom.fillOpacity', value: 0 },
    { id: 'custom.lineStyle', value: { fill: 'dash' } },
    { id: 'color', value: { mode: 'fixed', fixedColor: 'text' } },
  ]),
  chart('Duration of requests', {
    description:
      'Half, 95 % and 99 % of the requests took at most this time, with their whole responses. A gap means that there were no requests. SYNC_REQUEST_TIMEOUT_MS is the limit. `identifai-sync doctor` sends a request.',
    queries: { '50 %': quantile(0.5), '95 %': quantile(0.95), '99 %': quantile(0.99) },
    unit: units.Seconds,
    width: 12,
  }),
  chart('Requests that wait for the quota', {
    description:
      'Average number of requests that wait for a slot of the quota. It is above zero during a nightly run that uses the whole quota. `identifai-sync plan` shows how long the due requests take.',
    queries: { waiting: `sum(rate(identifai_sync_quota_wait_seconds_total{${SELECTED}}[$__rate_interval]))` },
    unit: units.Short,
    width: 12,
  }),
  chart('Repeated requests per minute', {
    description:
      'Requests that were repeated, and responses with status 429. The log has the cause of each. `identifai-sync status` shows how long a pause lasts, and `identifai-sync resume` ends it.',
    queries: {
      repeated: perMinute('identifai_sync_retries_total'),
      'status 429': perMinute('identifai_sync_throttled_total'),
    },
    unit: units.RequestsPerMinute,
    width: 12,
  }),
]
