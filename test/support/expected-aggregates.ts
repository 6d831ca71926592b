import {
  classificationRow,
  fileResultRows,
  fileVerdicts,
  identificationOf,
  type Row,
  type Truth,
} from './expected-views.ts'

/** Rows of model_daily. Without a time of submission, a result counts on the day on which all were first observed. */
export function modelDailyRows(truths: readonly Truth[], firstObserved: string): Row[] {
  const results = truths.flatMap((truth) =>
    fileResultRows(truth).map((result) => ({
      result,
      day: truth.submitted_at?.toISOString().slice(0, 10) ?? firstObserved,
      isGiven: truth.submitted_at !== null,
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
      n_day_unknown: members.filter(({ isGiven }) => !isGiven).length,
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

/** Rows of review_worklist. `noted` has the files and labels with a note. */
export function worklistRows(truths: readonly Truth[], noted: ReadonlySet<string>): Row[] {
  return truths.flatMap((truth) => {
    const row = classificationRow(truth)
    if (row.status === 'new') return []
    const reasons = [
      ...(row.verdict_source === 'forced' ? forceReasons(row, noted) : machineReasons(row, truth.record)),
      ...failureReasons(row),
    ]
    if (reasons.length === 0) return []
    return [
      {
        ...identificationOf(truth),
        rank: Math.min(...reasons.map(({ rank }) => rank)),
        reasons: reasons.map(({ words }) => words).join('; '),
        reason_codes: reasons.map(({ code }) => code).join(' '),
        effective_classification: row.effective_classification,
        verdict_source: row.verdict_source,
        machine_classification: row.machine_classification,
        machine_confidence: row.machine_confidence,
        file_hash: row.file_hash,
      },
    ]
  })
}

interface Reason {
  readonly rank: number
  readonly code: string
  readonly words: string
}

function forceReasons(row: Row, noted: ReadonlySet<string>): Reason[] {
  const force = String(row.force_classification)
  const sure = Number(row.machine_confidence ?? 0)
  if (noted.has(`${String(row.file_hash)} ${force}`)) return []
  const noNote = { rank: 2, code: 'no_note', words: `forced to ${force} without a note` }
  if (!row.contradicts_machine || sure < 0.9) return [noNote]
  const words = `forced to ${force} against ${String(row.machine_classification)} with a machine confidence of ${sure.toFixed(2)}`
  return [{ rank: 1, code: 'against_sure_machine', words }, noNote]
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
  const reasons: Reason[] = []
  if (row.effective_classification === 'human' && Number(artificial) > 0) {
    const words = `counts as human, but ${String(artificial)} of ${String(judged)} labeled clips are artificial`
    reasons.push({ rank: 2, code: 'artificial_clips', words })
  }
  if (disagreeing > 0) {
    const words = `${disagreeing} of ${others.length} other heuristics have another label`
    reasons.push({ rank: 3, code: 'heuristics_disagree', words })
  }
  if (row.verdict_source === 'machine' && confidence !== null && Number(confidence) < 0.7) {
    const words = `the machine confidence is ${Number(confidence).toFixed(2)}`
    reasons.push({ rank: 3, code: 'not_sure', words })
  }
  return reasons
}

function failureReasons({ status, errors, effective_classification: effective }: Row): Reason[] {
  if (status === 'errored') {
    const why = typeof errors === 'string' ? `: ${errors}` : ''
    return [{ rank: 4, code: 'failed', words: `the analysis failed${why}` }]
  }
  return effective === null ? [{ rank: 4, code: 'no_verdict', words: 'done, but without a verdict' }] : []
}

/** Percentile with the interpolation of percentile_cont. */
function percentile(sorted: readonly number[], fraction: number): number | null {
  const at = fraction * (sorted.length - 1)
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]]
  if (low === undefined || high === undefined) return null
  return rounded(low + (high - low) * (at - Math.floor(at)))
}

/** Nine digits, because the order of addition is not defined. */
export function rounded(value: number): number {
  return Number(value.toPrecision(9))
}
