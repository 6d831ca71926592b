import {
  classificationRow,
  fileResultRows,
  fileVerdicts,
  identificationOf,
  type Row,
  type Truth,
} from './expected-views.ts'

/** By model and day: of submission, else of the day on which all were first seen. */
export function modelDailyRows(truths: readonly Truth[], firstSeen: string): Row[] {
  const results = truths.flatMap((truth) =>
    fileResultRows(truth).map((result) => ({
      result,
      day: truth.submitted_at?.toISOString().slice(0, 10) ?? firstSeen,
    })),
  )
  const groups = Map.groupBy(results, ({ result, day }) => JSON.stringify([result.model, day]))
  return [...groups].map(([name, members]) => {
    const [model, day] = JSON.parse(name)
    const numbers = (column: string) =>
      members.flatMap(({ result }) => (result[column] === null ? [] : [Number(result[column])]))
    const scores = numbers('artificial_score')
    const times = numbers('elapsed_time').toSorted((one, other) => one - other)
    return {
      media: 'audio',
      model,
      day,
      n: members.length,
      n_abstained: members.filter(({ result }) => result.abstained).length,
      n_scored: scores.length,
      abstained_share: rounded(members.filter(({ result }) => result.abstained).length / members.length),
      mean_artificial_score:
        scores.length === 0 ? null : rounded(scores.reduce((sum, score) => sum + score, 0) / scores.length),
      p50_elapsed_time: percentile(times, 0.5),
      p95_elapsed_time: percentile(times, 0.95),
    }
  })
}

/** What is worth a look; notes are on these files and labels. */
export function worklistRows(truths: readonly Truth[], noted: ReadonlySet<string>): Row[] {
  return truths.flatMap((truth) => {
    const row = classificationRow(truth)
    const reasons = [
      ...forceReasons(row, noted),
      ...(row.verdict_source === 'forced' ? [] : machineReasons(row, truth.record)),
      ...(row.status === 'errored'
        ? [[4, `the analysis failed${typeof row.errors === 'string' ? `: ${row.errors}` : ''}`] as const]
        : []),
      ...(row.status === 'done' && row.effective_classification === null
        ? [[4, 'done, but without a verdict'] as const]
        : []),
    ]
    if (row.status === 'new' || reasons.length === 0) return []
    return [
      {
        ...identificationOf(truth),
        rank: Math.min(...reasons.map(([rank]) => rank)),
        reasons: reasons.map(([, reason]) => reason).join('; '),
        effective_classification: row.effective_classification,
        verdict_source: row.verdict_source,
        machine_classification: row.machine_classification,
        machine_confidence: row.machine_confidence,
        file_hash: row.file_hash,
      },
    ]
  })
}

type Reason = readonly [rank: number, reason: string]

function forceReasons(row: Row, noted: ReadonlySet<string>): Reason[] {
  if (row.verdict_source !== 'forced') return []
  const force = String(row.force_classification)
  const sure = Number(row.machine_confidence ?? 0)
  return [
    ...(row.contradicts_machine && sure >= 0.9
      ? [
          [
            1,
            `forced to ${force}, though the machine was sure of ${String(row.machine_classification)} (${sure.toFixed(2)})`,
          ] as const,
        ]
      : []),
    ...(noted.has(`${String(row.file_hash)} ${force}`)
      ? []
      : [[2, `forced to ${force}, and no note says why`] as const]),
  ]
}

function machineReasons(row: Row, record: Truth['record']): Reason[] {
  const { verdict } = record
  const others = fileVerdicts(record).filter(
    ({ isMain, verdict: { heuristic, classification } }) =>
      !isMain &&
      heuristic !== verdict?.heuristic &&
      classification !== undefined &&
      verdict?.classification !== undefined,
  )
  const disagreeing = others.filter(
    ({ verdict: { classification } }) => classification !== verdict?.classification,
  ).length
  const { artificial_clip_count: artificial, judged_clip_count: judged, machine_confidence: confidence } = row
  return [
    ...(row.effective_classification === 'human' && Number(artificial) > 0
      ? [
          [
            2,
            `counts as human, but ${String(artificial)} of its ${String(judged)} clips with a label sound artificial`,
          ] as const,
        ]
      : []),
    ...(disagreeing > 0
      ? [[3, `${disagreeing} of ${others.length} other heuristics give another label`] as const]
      : []),
    ...(row.verdict_source === 'machine' && confidence !== null && Number(confidence) < 0.7
      ? [[3, `the machine was not sure (${Number(confidence).toFixed(2)})`] as const]
      : []),
  ]
}

/** As percentile_cont interpolates. */
function percentile(sorted: readonly number[], fraction: number): number | null {
  const at = fraction * (sorted.length - 1)
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]]
  if (low === undefined || high === undefined) return null
  return rounded(low + (high - low) * (at - Math.floor(at)))
}

/** The order in which numbers are added is nobody's promise. */
export function rounded(value: number): number {
  return Number(value.toPrecision(9))
}
