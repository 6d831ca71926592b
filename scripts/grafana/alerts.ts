import { readFileSync } from 'node:fs'
import path from 'node:path'
import { ThresholdsConfigBuilder, ThresholdsMode } from '@grafana/grafana-foundation-sdk/dashboard'
import { parse } from 'yaml'

const FILE = path.resolve(import.meta.dirname, '../../deploy/alerts.yml')

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: keyof typeof COLORS }
}

const COLORS = { warning: 'orange', critical: 'red' } as const

const GOOD = 'green'

/** The comparison at the end of an expression; a number such as `26 * 3600` can be a product. */
const COMPARISON = /(?<operator>>=|>|<|==) (?<factors>[\d.]+(?: \* [\d.]+)*)\s*$/

/** Returns the number that the expression of an alert compares with. */
export function limitOf(alert: string): number {
  return comparisonOf(alert).limit
}

/** Returns the colors of a value: green while an alert does not fire, else the color of its severity. */
export function colorsOf(alert: string): ThresholdsConfigBuilder {
  const bad = COLORS[ruleOf(alert).labels.severity]
  // An alert on an absent metric fires when the panel counts none.
  if (ruleOf(alert).expr.startsWith('absent(')) return colors(bad, GOOD, 1)
  const { operator, limit } = comparisonOf(alert)
  if (operator === '==') return colors(bad, GOOD, limit + 1)
  // The panel of an alert on a recent time shows 1 when the alert fires. Above zero are whole numbers only.
  return colors(GOOD, bad, operator === '<' || limit === 0 ? 1 : limit)
}

/** The colors of a value that is 1 or 0, good or bad. */
export function colorsOfFlag(): ThresholdsConfigBuilder {
  return colors(COLORS.critical, GOOD, 1)
}

/** One color for every value. Without it, Grafana shows values from 80 in red. */
export function oneColor(): ThresholdsConfigBuilder {
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([{ value: null, color: 'blue' }])
}

function colors(below: string, above: string, limit: number): ThresholdsConfigBuilder {
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([
    { value: null, color: below },
    { value: limit, color: above },
  ])
}

function comparisonOf(alert: string): { operator: string; limit: number } {
  const { operator, factors } = COMPARISON.exec(ruleOf(alert).expr)?.groups ?? {}
  if (operator === undefined || factors === undefined) throw new Error(`${alert} compares with no number.`)
  return { operator, limit: factors.split('*').reduce((product, factor) => product * Number(factor), 1) }
}

function ruleOf(alert: string): Rule {
  const rule = RULES.find((one) => one.alert === alert)
  if (rule === undefined) throw new Error(`deploy/alerts.yml has no alert ${alert}.`)
  return rule
}

const RULES = (parse(readFileSync(FILE, 'utf8')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  ({ rules }) => rules,
)
