import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { stringify } from 'yaml'

export const HAS_PROMTOOL = spawnSync('promtool', ['--version']).status === 0

/** The metrics of a daemon as text: at its start, and when it has reached a state. */
export interface RecordedMetrics {
  readonly before: string
  readonly after: string
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/**
 * Evaluates expressions a day after a daemon's start, with the recording rules and alerts of a file. The daemon served `before`
 * until the last ten minutes, then `after`. The result has each expression that is not empty.
 */
export async function evaluate(
  expressions: readonly string[],
  { before, after }: RecordedMetrics,
  rules?: string,
): Promise<Map<string, Sample[]>> {
  const texts = rules === undefined ? expressions : [...expressions, readFileSync(rules, 'utf8')]
  const isUsed = (name: string) => texts.some((text) => text.includes(name))
  const previous = valuesBySeries(before, isUsed)
  const series = [...valuesBySeries(after, isUsed)].map(([name, value]) => ({
    series: name,
    values: `${previous.get(name) ?? value}+0x1429 ${value}+0x10`,
  }))
  const output = await runPromtool({
    rule_files: rules === undefined ? [] : [rules],
    // Five minutes, because promtool takes seconds to evaluate the rules for each minute of a day.
    evaluation_interval: '5m',
    tests: [
      {
        interval: '1m',
        input_series: series,
        // The test expects nothing, so promtool fails and its output lists what there is.
        promql_expr_test: expressions.map((expr) => ({
          expr,
          eval_time: `${DAY_MINUTES}m`,
          exp_samples: [],
        })),
      },
    ],
  })
  if (output.includes(' err: ')) throw new Error(output)
  return new Map(
    [...output.matchAll(/expr: ("(?:[^"\\]|\\.)*"), time: .*\n\s*exp: .*\n\s*got: (.*)/g)].map(
      ([, expression, samples]) => [JSON.parse(String(expression)) as string, samplesOf(String(samples))],
    ),
  )
}

async function runPromtool(test: object): Promise<string> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'identifai-promtool-'))
  try {
    const file = path.join(folder, 'test.yml')
    writeFileSync(file, stringify(test))
    const { stdout, stderr } = await promisify(execFile)('promtool', ['test', 'rules', file]).catch(
      (error: { stdout: string; stderr: string }) => error,
    )
    return `${stdout}${stderr}`
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The tests of promtool start at Unix time 0. This is the minute of the evaluation, a day later. */
const DAY_MINUTES = 1440

/**
 * Returns values by series, with the labels that Prometheus adds, of the metrics that are used. Timestamps are moved to the time
 * of promtool's tests.
 */
function valuesBySeries(metrics: string, isUsed: (name: string) => boolean): Map<string, number> {
  const now = Date.now() / 1000
  return new Map(
    metrics.split('\n').flatMap((line) => {
      const [, name, labels = '{}', value] = /^(\w+)(\{.*\})? ([-\d.e+]+)$/.exec(line) ?? []
      if (name === undefined || !isUsed(name)) return []
      const isTime = name.endsWith('_timestamp_seconds') || name === 'process_start_time_seconds'
      const all = `${labels.slice(0, -1)}${labels === '{}' ? '' : ','}job="j",instance="i"}`
      return [[name + all, isTime ? Number(value) - now + DAY_MINUTES * 60 : Number(value)] as const]
    }),
  )
}

/** Parses samples as promtool prints them, such as `{state="done"} 1E+00, {state="pending"} 2E+00`. */
function samplesOf(text: string): Sample[] {
  return [...text.matchAll(/\{([^}]*)\} ([^\s,]+)/g)].map(([, labels, value]) => ({
    labels: Object.fromEntries(
      [...String(labels).matchAll(/(\w+)="([^"]*)"/g)].map(([, name, label]) => [name, label]),
    ),
    value: Number(String(value).replace('Inf', 'Infinity')),
  }))
}
