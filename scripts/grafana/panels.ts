import {
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  GraphDrawStyle,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common'
import {
  MappingType,
  type ThresholdsConfigBuilder,
  type ValueMapping,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries'
import { LocaleFormat } from '@grafana/grafana-foundation-sdk/units'
import { colorsOf, oneColor } from './alerts.ts'

/** The data source that the operator selects. A file that is provisioned cannot name one. */
export const DATA_SOURCE = { type: 'prometheus', uid: '${datasource}' }

/** The labels of the selected daemons, for every selector of a query. */
export const SELECTED = 'job=~"$job", instance=~"$instance"'

/** The query for the sum of a counter over all selected daemons, per minute. */
export function perMinute(counter: string): string {
  return `60 * sum(rate(${counter}{${SELECTED}}[$__rate_interval]))`
}

interface Common {
  /** Says how to read the panel, and which command helps. */
  readonly description: string
  /** A unit of Grafana. */
  readonly unit: string
  /** The width in columns, of 24 in a line. */
  readonly width: number
}

interface Stat extends Common {
  readonly query: string
  /** The alert whose threshold colors the value. */
  readonly alert?: string
  readonly colors?: ThresholdsConfigBuilder
  /** The text when the query returns nothing. */
  readonly empty: string
  /** Texts in place of values. */
  readonly texts?: Readonly<Record<number, string>>
  /** Shows this label in place of the value. */
  readonly label?: string
}

/** One current value. */
export function stat(title: string, { alert, colors, label, ...options }: Stat): StatBuilder {
  const panel = new StatBuilder()
    .title(title)
    .description(alert === undefined ? options.description : `${options.description} ${thresholdOf(alert)}`)
    .datasource(DATA_SOURCE)
    .withTarget(query('A', options.query, label === undefined ? '' : `{{${label}}}`).instant())
    .unit(options.unit)
    .noValue(options.empty)
    .thresholds(colors ?? (alert === undefined ? oneColor() : colorsOf(alert)))
    .colorMode((colors ?? alert) ? BigValueColorMode.Background : BigValueColorMode.Value)
    .graphMode(BigValueGraphMode.None)
    .textMode(label === undefined ? BigValueTextMode.Value : BigValueTextMode.Name)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .height(4)
    .span(options.width)
  if (options.texts) panel.mappings([textsFor(options.texts)])
  // Prometheus extrapolates a count within a time, so that it has fractions.
  return options.unit === LocaleFormat ? panel.decimals(0) : panel
}

function thresholdOf(alert: string): string {
  return `The color has the threshold of the alert ${alert} (docs/operations.md#${alert.toLowerCase()}).`
}

function textsFor(texts: Readonly<Record<number, string>>): ValueMapping {
  const options = Object.entries(texts).map(([value, text]) => [value, { text }] as const)
  return { type: MappingType.ValueToText, options: Object.fromEntries(options) }
}

interface Chart extends Common {
  /** The queries by the names of their lines; a name can have labels, such as `{{state}}`. */
  readonly queries: Readonly<Record<string, string>>
  /** Stacked bars for counts within an interval, and stacked areas for parts of a sum. */
  readonly style?: 'bars' | 'areas'
}

/** Values over time. */
export function chart(title: string, { style, ...options }: Chart): TimeSeriesBuilder {
  const queries = Object.entries(options.queries).map(([legend, text], index) =>
    query(String.fromCharCode('A'.charCodeAt(0) + index), text, legend).range(),
  )
  const panel = new TimeSeriesBuilder()
    .title(title)
    .description(options.description)
    .datasource(DATA_SOURCE)
    .targets(queries)
    .unit(options.unit)
    .min(0)
    .noValue('No data of a daemon')
    .drawStyle(style === 'bars' ? GraphDrawStyle.Bars : GraphDrawStyle.Line)
    .stacking(new StackingConfigBuilder().mode(style === undefined ? StackingMode.None : StackingMode.Normal))
    .lineWidth(1)
    .fillOpacity(style === undefined ? 0 : 50)
    .showPoints(VisibilityMode.Never)
    .legend(
      new VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom),
    )
    // oxlint-disable-next-line unicorn/no-array-sort -- the order of the tooltip, highest value first
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending))
    .height(7)
    .span(options.width)
  return style === 'bars' ? panel.decimals(0) : panel
}

function query(name: string, text: string, legend: string): DataqueryBuilder {
  return new DataqueryBuilder().refId(name).datasource(DATA_SOURCE).expr(text).legendFormat(legend)
}
