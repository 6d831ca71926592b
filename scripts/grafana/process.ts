import * as units from '@grafana/grafana-foundation-sdk/units'
import { chart, SELECTED, stat } from './panels.ts'

/** The row of the processes. */
export const PROCESS = [
  stat('Version', {
    description:
      'Versions of the daemons. Two versions are normal during an upgrade only. `identifai-sync --version` prints the installed one.',
    query: `count by (version) (identifai_sync_build_info{${SELECTED}})`,
    label: 'version',
    unit: units.NoUnit,
    empty: 'Unknown',
    width: 3,
  }).height(7),
  stat('Shortest uptime', {
    description:
      'Time since the last start of a daemon. After a restart, `identifai-sync status` shows whether a run was interrupted.',
    query: `min(time() - process_start_time_seconds{${SELECTED}})`,
    unit: units.Seconds,
    empty: 'Unknown',
    width: 3,
  }).height(7),
  chart('Memory', {
    description:
      'Memory of each process, and the part of it in which JavaScript has its objects. It does not grow with the number of identifiers. It is highest during a verification: `identifai-sync status` shows the last one.',
    queries: {
      '{{instance}} resident': `process_resident_memory_bytes{${SELECTED}}`,
      '{{instance}} heap': `nodejs_heap_size_used_bytes{${SELECTED}}`,
    },
    unit: units.BytesIEC,
    width: 6,
  }),
  chart('CPU', {
    description:
      'Share of one core that each process uses. Runs and verifications need most of it: `identifai-sync status` shows the last ones.',
    queries: { '{{instance}}': `rate(process_cpu_seconds_total{${SELECTED}}[$__rate_interval])` },
    unit: units.PercentUnit,
    width: 6,
  }),
  chart('Event loop lag', {
    description:
      'Delay of 99 % of the events was at most this. Seconds mean that the process has too little CPU, and `/livez` may time out. `identifai-sync status` shows the last runs.',
    queries: { '{{instance}}': `nodejs_eventloop_lag_p99_seconds{${SELECTED}}` },
    unit: units.Seconds,
    width: 6,
  }),
]
