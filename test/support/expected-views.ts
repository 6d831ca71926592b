import type {
  AudioClip,
  AudioModelResult,
  AudioRecord,
  AudioVerdict,
} from '../../src/media/audio/contract.ts'

/** A tracked identifier with its record: the source of all views. */
export interface Truth {
  readonly classification_id: number
  readonly identifier: string
  readonly submitted_at: Date | null
  readonly source: string | null
  /** The known fields of the record, without empty ones. */
  readonly record: AudioRecord
}

export type Row = Readonly<Record<string, unknown>>

/*
 * The expected rows of each view, computed from the records in plain code. It shares nothing with the SQL.
 */

function statusOf({ status, verdict }: AudioRecord): 'new' | 'done' | 'errored' {
  if (status === undefined) return verdict ? 'done' : 'new'
  return status === 'done' || status === 'errored' ? status : 'new'
}

/** The label that counts; null while not finished. */
function effectiveOf(record: AudioRecord): string | null {
  if (statusOf(record) === 'new') return null
  return record.force_classification ?? record.verdict?.classification ?? null
}

export function classificationRow(truth: Truth): Row {
  const { record } = truth
  const isFinished = statusOf(record) !== 'new'
  const machine = record.verdict?.classification ?? null
  const force = record.force_classification ?? null
  const labels = clipsOf(record).flatMap(({ verdict }) => verdict?.classification ?? [])
  const artificial = labels.filter((label) => label === 'artificial').length
  const models = (record.results ?? []).flatMap(({ model }) => model ?? [])
  return {
    ...identificationOf(truth),
    ref_id: record.ref_id ?? null,
    name: record.name ?? null,
    file_hash: record.hash ?? null,
    result_url: record.result_url ?? null,
    status: statusOf(record),
    errors: Array.isArray(record.errors) ? record.errors.join('\n') : (record.errors ?? null),
    api_version: record.api_version ?? null,
    machine_classification: machine,
    machine_confidence: record.verdict?.confidence ?? null,
    machine_heuristic: record.verdict?.heuristic ?? null,
    force_classification: force,
    is_forced: isFinished && force !== null,
    effective_classification: effectiveOf(record),
    verdict_source: !isFinished ? null : force !== null ? 'forced' : machine !== null ? 'machine' : null,
    contradicts_machine: !isFinished || force === null || machine === null ? null : force !== machine,
    clip_count: clipsOf(record).length,
    judged_clip_count: labels.length,
    artificial_clip_count: artificial,
    artificial_clip_share: labels.length === 0 ? null : artificial / labels.length,
    model_count: new Set(models).size,
    submitted_day: truth.submitted_at?.toISOString().slice(0, 10) ?? null,
    state: isFinished ? statusOf(record) : 'pending',
  }
}

export function verdictRows(truth: Truth): Row[] {
  const { record } = truth
  const main = record.verdict?.classification
  return fileVerdicts(record).map(({ verdict, isMain }) => ({
    ...identificationOf(truth),
    heuristic: verdict.heuristic ?? null,
    is_main: isMain,
    classification: verdict.classification ?? null,
    confidence: verdict.confidence ?? null,
    agrees_with_main: isMain ? null : same(verdict.classification, main),
    agrees_with_force: same(verdict.classification, record.force_classification),
  }))
}

export function verdictModelRows(truth: Truth): Row[] {
  const rows = (verdict: AudioVerdict, scope: string, clipNo: number | null) =>
    (verdict.models ?? []).map((model, model_no) => ({
      ...identificationOf(truth),
      heuristic: verdict.heuristic ?? null,
      scope,
      clip_no: clipNo,
      model_no,
      model,
    }))
  return [
    ...fileVerdicts(truth.record).flatMap(({ verdict }) => rows(verdict, 'file', null)),
    ...clipsOf(truth.record).flatMap(({ verdict }, clipNo) => (verdict ? rows(verdict, 'clip', clipNo) : [])),
  ]
}

export function fileResultRows(truth: Truth): Row[] {
  return (truth.record.results ?? []).map((result) => ({ ...identificationOf(truth), ...resultRow(result) }))
}

export function clipResultRows(truth: Truth): Row[] {
  return clipsOf(truth.record).flatMap(({ results }, clipNo) =>
    (results ?? []).map((result) => ({
      ...identificationOf(truth),
      clip_no: clipNo,
      clip_key: `${truth.classification_id}/${clipNo}`,
      ...resultRow(result),
    })),
  )
}

export function clipRows(truth: Truth): Row[] {
  const { record } = truth
  return clipsOf(record).map((clip, clipNo) => {
    const label = clip.verdict?.classification
    const agreesWithMachine = same(label, record.verdict?.classification)
    const agreesWithEffective = same(label, effectiveOf(record) ?? undefined)
    return {
      ...identificationOf(truth),
      clip_no: clipNo,
      clip_key: `${truth.classification_id}/${clipNo}`,
      clip_index: clip.index ?? null,
      clip_start: clip.start ?? null,
      clip_end: clip.end ?? null,
      classification: label ?? null,
      confidence: clip.verdict?.confidence ?? null,
      disagrees_with_machine: agreesWithMachine === null ? null : !agreesWithMachine,
      disagrees_with_effective: agreesWithEffective === null ? null : !agreesWithEffective,
    }
  })
}

/** A span is a stretch that artificial clips cover without a gap, ends included. */
export function spanRows(truth: Truth): Row[] {
  const clips = clipsOf(truth.record).flatMap(({ start, end, verdict }) =>
    start === undefined || end === undefined || verdict?.classification !== 'artificial'
      ? []
      : [{ from: Math.min(start, end), to: Math.max(start, end), confidence: verdict.confidence ?? null }],
  )
  let spans: { from: number; to: number; clips: typeof clips }[] = []
  for (const clip of clips) {
    const touched = spans.filter(({ from, to }) => from <= clip.to && clip.from <= to)
    const joined = [clip, ...touched]
    spans = [
      ...spans.filter((span) => !touched.includes(span)),
      {
        from: Math.min(...joined.map(({ from }) => from)),
        to: Math.max(...joined.map(({ to }) => to)),
        clips: [clip, ...touched.flatMap((span) => span.clips)],
      },
    ]
  }
  return spans.map((span) => {
    const confidences = span.clips.flatMap(({ confidence }) => confidence ?? [])
    return {
      ...identificationOf(truth),
      span_start: span.from,
      span_end: span.to,
      clip_count: new Set(span.clips.map(({ from, to }) => `${from + 0} ${to + 0}`)).size,
      max_confidence: confidences.length === 0 ? null : Math.max(...confidences),
    }
  })
}

export function agreementRows(truths: readonly Truth[]): Row[] {
  const pairs = truths
    .filter(({ record }) => statusOf(record) !== 'new')
    .flatMap(({ record }) => {
      const judged = fileVerdicts(record).filter(
        ({ verdict }) => verdict.heuristic !== undefined && verdict.classification !== undefined,
      )
      return judged.flatMap((one) =>
        judged
          .filter((other) => other.verdict.heuristic !== one.verdict.heuristic)
          .map((other) => ({ one, other, force: record.force_classification })),
      )
    })
  const groups = Map.groupBy(pairs, ({ one, other }) =>
    JSON.stringify([one.verdict.heuristic, other.verdict.heuristic]),
  )
  return [...groups].map(([name, members]) => {
    const [heuristic, other_heuristic] = JSON.parse(name)
    const count = (holds: (pair: (typeof pairs)[number]) => unknown) => members.filter(holds).length
    return {
      media: 'audio',
      heuristic,
      other_heuristic,
      n: members.length,
      n_single_model: count(({ one, other }) => {
        const [models = [], others = []] = [one.verdict.models, other.verdict.models]
        return models.length === 1 && others.length === 1 && models[0] === others[0]
      }),
      agree: count(({ one, other }) => one.verdict.classification === other.verdict.classification),
      flips: count(({ one, other }) => one.verdict.classification !== other.verdict.classification),
      overrides_avoided: count(
        ({ one, other, force }) =>
          force !== undefined &&
          one.isMain &&
          one.verdict.classification !== force &&
          other.verdict.classification === force,
      ),
    }
  })
}

function resultRow(result: AudioModelResult & { readonly model?: string | undefined }): Row {
  const scores = result.unknown === true ? [] : (result.classification ?? [])
  const scored = scores.flatMap(({ label, score }) => (score === undefined ? [] : [{ label, score }]))
  const highest = (of: typeof scored) => (of.length === 0 ? null : Math.max(...of.map(({ score }) => score)))
  const top = highest(scored)
  return {
    model: result.model ?? null,
    abstained: result.unknown === true,
    elapsed_time: result.elapsed_time ?? null,
    human_score: highest(scored.filter(({ label }) => label === 'human')),
    artificial_score: highest(scored.filter(({ label }) => label === 'artificial')),
    top_label: scored.find(({ score }) => score === top)?.label ?? null,
    top_score: top,
  }
}

/** Verdicts on the whole file: the first of each heuristic, beginning with the main verdict. */
export function fileVerdicts({
  verdict,
  verdicts = [],
}: AudioRecord): { readonly verdict: AudioVerdict; readonly isMain: boolean }[] {
  const all = [...(verdict ? [verdict] : []), ...verdicts]
  return all.flatMap((one, position) => {
    const isRepeated =
      one.heuristic !== undefined &&
      all.slice(0, position).some(({ heuristic }) => heuristic === one.heuristic)
    return isRepeated ? [] : [{ verdict: one, isMain: position === 0 && verdict !== undefined }]
  })
}

function clipsOf(record: AudioRecord): readonly AudioClip[] {
  return record.details?.clips ?? record.chunk_details ?? []
}

function same(one: string | undefined, other: string | undefined): boolean | null {
  return one === undefined || other === undefined ? null : one === other
}

export function identificationOf({ classification_id, identifier, submitted_at, source }: Truth): Row {
  return { classification_id, identifier, media: 'audio', submitted_at, source }
}
