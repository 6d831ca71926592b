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

/** Rows of files. */
export function filesRows(truths: readonly Truth[]): Row[] {
  const rows = truths.map(classificationRow).filter(({ file_hash }) => file_hash !== null)
  return [...Map.groupBy(rows, ({ file_hash }) => file_hash)].map(([file_hash, all]) => {
    const finished = all.filter(({ status }) => status !== 'new')
    const labels = labelsIn(finished, 'effective_classification')
    const times = all.flatMap(({ submitted_at: at }) => (at instanceof Date ? [at.getTime()] : []))
    return {
      media: 'audio',
      file_hash,
      submissions: all.length,
      finished: finished.length,
      forced: finished.filter(({ is_forced }) => is_forced).length,
      first_submitted_at: times.length === 0 ? null : new Date(Math.min(...times)),
      last_submitted_at: times.length === 0 ? null : new Date(Math.max(...times)),
      effective_classification: labels.size === 1 ? [...labels][0] : null,
      labels_differ: labels.size > 1,
      machine_labels_differ: labelsIn(finished, 'machine_classification').size > 1,
    }
  })
}

function labelsIn(rows: readonly Row[], column: string): ReadonlySet<unknown> {
  return new Set(rows.map((row) => row[column]).filter((label) => label !== null))
}

/** Rows of model_agreement. */
export function modelAgreementRows(truths: readonly Truth[]): Row[] {
  const pairs = truths.flatMap((truth) => {
    const results = fileResultRows(truth).filter(({ artificial_score }) => artificial_score !== null)
    return results.flatMap((one) =>
      results.filter((other) => other.model !== one.model).map((other) => ({ one, other })),
    )
  })
  const named = pairs.filter(({ one, other }) => one.model !== null && other.model !== null)
  const groups = Map.groupBy(named, ({ one, other }) => JSON.stringify([one.model, other.model]))
  return [...groups].map(([names, members]) => {
    const [model, other_model] = JSON.parse(names) as [string, string]
    const differences = members.map(
      ({ one, other }) => Number(one.artificial_score) - Number(other.artificial_score),
    )
    const mean = (values: readonly number[]) =>
      rounded(values.reduce((sum, value) => sum + value, 0) / values.length)
    const agree = members.filter(({ one, other }) => one.top_label === other.top_label).length
    return {
      media: 'audio',
      model,
      other_model,
      n: members.length,
      agree,
      agree_share: rounded(agree / members.length),
      mean_difference: mean(differences),
      mean_absolute_difference: mean(differences.map(Math.abs)),
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
