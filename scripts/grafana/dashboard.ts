import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import {
  DashboardBuilder,
  DashboardCursorSync,
  DatasourceVariableBuilder,
  type Panel,
  QueryVariableBuilder,
  RowBuilder,
  TextBoxVariableBuilder,
  VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { VARIABLES } from '../../src/platform/config/variables.ts'
import { HEALTH } from './health.ts'
import { DATA_SOURCE } from './panels.ts'
import { PROCESS } from './process.ts'
import { QUEUE } from './queue.ts'
import { REQUESTS } from './requests.ts'
import { RUNS } from './runs.ts'
import { VERIFICATION } from './verification.ts'

/** The dashboard as the text of a file that Grafana imports or provisions, in the format of Grafana 11 and later. */
export function dashboardJson(): string {
  const builder = new DashboardBuilder('identifai-sync')
    .uid('identifai-sync')
    .description(
      'The daemons of identifai-sync. The page docs/operations.md of the package explains the metrics, and has a runbook for each alert.',
    )
    .tags(['identifai-sync', 'prometheus'])
    // The file is generated, so a change in Grafana would be lost with the next version.
    .readonly()
    .time({ from: 'now-24h', to: 'now' })
    .refresh('1m')
    .tooltip(DashboardCursorSync.Crosshair)
    .annotations([])
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'))
    .withVariable(labelVariable('job', 'Job', 'label_values(identifai_sync_build_info, job)'))
    .withVariable(
      labelVariable('instance', 'Instance', 'label_values(identifai_sync_build_info{job=~"$job"}, instance)'),
    )
    .withVariable(quotaVariable())
  addRow(builder, 'Health', HEALTH)
  addRow(builder, 'Queue', QUEUE)
  addRow(builder, 'Requests and quota', REQUESTS)
  addRow(builder, 'Runs', RUNS)
  addRow(builder, 'Verification and timestamps', VERIFICATION)
  // A collapsed row sends no queries until someone opens it.
  const processes = new RowBuilder('Processes').collapsed(true)
  for (const panel of PROCESS) processes.withPanel(panel)
  builder.withRow(processes)
  return `${JSON.stringify(withIds(builder), null, 2)}\n`
}

/** A choice of one or more values of a label, all of them by default. */
function labelVariable(name: string, label: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(DATA_SOURCE)
    .query(query)
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .multi(true)
    .includeAll(true)
    .allValue('.+')
    .current({ selected: true, text: ['All'], value: ['$__all'] })
}

/** A field for the quota, because no metric has it. */
function quotaVariable(): TextBoxVariableBuilder {
  const quota = VARIABLES.SYNC_REQUESTS_PER_MINUTE.default
  return new TextBoxVariableBuilder('quota')
    .label('Quota per minute')
    .description('SYNC_REQUESTS_PER_MINUTE of the daemons')
    .defaultValue(quota)
    .current({ selected: true, text: quota, value: quota })
}

function addRow(builder: DashboardBuilder, title: string, panels: readonly Builder<Panel>[]): void {
  builder.withRow(new RowBuilder(title))
  for (const panel of panels) builder.withPanel(panel)
}

/** Numbers all panels, so that the address of a panel does not depend on the order in which Grafana loads them. */
function withIds(builder: DashboardBuilder): object {
  const dashboard = builder.build()
  let id = 0
  for (const panel of dashboard.panels ?? []) {
    panel.id = ++id
    if ('panels' in panel) for (const inner of panel.panels) inner.id = ++id
  }
  return dashboard
}
