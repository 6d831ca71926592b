import { isJsonObject, type Json, type JsonObject } from '../../platform/json.ts'
import { asReceived } from '../compact.ts'
import type { ContentRow, ContentRows } from '../endpoint.ts'
import { storable } from '../storable.ts'
import type { AudioClip, AudioModelResult, AudioRecord, AudioVerdict } from './contract.ts'
import type { AudioRows, ModelResultRow, VerdictKind } from './tables.ts'
import type { AudioClassification } from './validate.ts'

/**
 * Spreads one classification over the rows of the data tables.
 *
 * Ordinals count from 0 in the order of the record, so every key is known before a row is written. Verdicts begin with the
 * main one. Model results begin with those of the file.
 */
export function audioRows(classificationId: number, classification: AudioClassification): ContentRows {
  const { known, content } = classification
  const rows = new RowCollector(classificationId)
  if (known.verdict) rows.addVerdict('main', known.verdict)
  for (const verdict of known.verdicts ?? []) rows.addVerdict('heuristic', verdict)
  rows.addResults(null, known.results, content.results)
  const { path, clips, received } = clipsOf(classification)
  for (const [clipNo, clip] of clips.entries()) {
    rows.addClip(clipNo, clip)
    rows.addResults(clipNo, clip.results, received[clipNo]?.results)
  }
  return {
    classification: {
      ...contentRow(classificationId, classification, path),
      ...countsOf(known, clips, rows.collected.verdicts),
    },
    children: rows.collected,
  }
}

/** JSON Pointer to the clips in the record. */
type ClipsPath = '/details/clips' | '/chunk_details'

function contentRow(
  classificationId: number,
  { known, extra, unstorable }: AudioClassification,
  clipsPath: ClipsPath | null,
): Omit<ContentRow, keyof ReturnType<typeof countsOf>> {
  return {
    classification_id: classificationId,
    media: 'audio',
    identifier: known.identifier,
    file_hash: known.hash ?? null,
    api_version: known.api_version ?? null,
    status: known.status ?? null,
    errors: Array.isArray(known.errors) ? known.errors.join('\n') : (known.errors ?? null),
    name: known.name ?? null,
    ref_id: known.ref_id ?? null,
    result_url: known.result_url ?? null,
    force_classification: known.force_classification ?? null,
    clips_path: clipsPath,
    extra: membersText(extra),
    unstorable: membersText(unstorable),
  }
}

/** JSON text of an object; null where it is empty. */
function membersText(object: JsonObject): string | null {
  return Object.keys(object).length === 0 ? null : JSON.stringify(object)
}

/** Counts of the classification's rows, stored with it for queries over many classifications. */
function countsOf(
  { results = [], verdict: main }: AudioRecord,
  clips: readonly AudioClip[],
  verdicts: AudioRows['verdicts'],
) {
  const labels = clips.flatMap(({ verdict }) => verdict?.classification ?? [])
  // The main verdict itself has its own heuristic.
  const comparable = verdicts.filter(
    ({ heuristic, classification, is_repeated }) =>
      !is_repeated &&
      heuristic !== (main?.heuristic ?? null) &&
      classification !== null &&
      main?.classification !== undefined,
  )
  return {
    clip_count: clips.length,
    judged_clip_count: labels.length,
    artificial_clip_count: labels.filter((label) => label === 'artificial').length,
    model_count: new Set(results.flatMap(({ model }) => model ?? [])).size,
    other_heuristic_count: comparable.length,
    disagreeing_heuristic_count: comparable.filter((other) => other.classification !== main?.classification)
      .length,
  }
}

interface Clips {
  readonly path: ClipsPath | null
  readonly clips: readonly AudioClip[]
  /** The same clips as received. */
  readonly received: readonly JsonObject[]
}

function clipsOf({ known, content }: AudioClassification): Clips {
  if (known.details?.clips) {
    const received = (content.details as JsonObject).clips as readonly JsonObject[]
    return { path: '/details/clips', clips: known.details.clips, received }
  }
  if (known.chunk_details) {
    const received = content.chunk_details as readonly JsonObject[]
    return { path: '/chunk_details', clips: known.chunk_details, received }
  }
  return { path: null, clips: [], received: [] }
}

/** Collects the child rows of one classification; the length of a list is its next ordinal. */
class RowCollector {
  readonly collected: AudioRows = { clips: [], verdicts: [], model_results: [] }

  readonly #classificationId: number

  constructor(classificationId: number) {
    this.#classificationId = classificationId
  }

  addClip(clipNo: number, { index, start, end, verdict }: AudioClip): void {
    this.collected.clips.push({
      classification_id: this.#classificationId,
      clip_no: clipNo,
      clip_index: index ?? null,
      clip_start: start ?? null,
      clip_end: end ?? null,
      heuristic: verdict?.heuristic ?? null,
      confidence: verdict?.confidence ?? null,
      classification: verdict?.classification ?? null,
      models: verdict?.models ?? null,
    })
  }

  addVerdict(kind: VerdictKind, { heuristic, confidence, classification, models }: AudioVerdict): void {
    const earlier = this.collected.verdicts
    earlier.push({
      classification_id: this.#classificationId,
      verdict_no: earlier.length,
      kind,
      heuristic: heuristic ?? null,
      confidence: confidence ?? null,
      classification: classification ?? null,
      models: models ?? null,
      // Two verdicts without a heuristic differ.
      is_repeated: heuristic !== undefined && earlier.some((verdict) => verdict.heuristic === heuristic),
    })
  }

  /** @param received The same results as received. */
  addResults(clipNo: number | null, results: readonly AudioModelResult[] = [], received: Json = []): void {
    for (const [position, result] of results.entries()) {
      const scores = (received as readonly JsonObject[])[position]?.classification
      this.collected.model_results.push({
        classification_id: this.#classificationId,
        result_no: this.collected.model_results.length,
        clip_no: clipNo,
        model: result.model ?? null,
        unknown: result.unknown ?? null,
        elapsed_time: result.elapsed_time ?? null,
        classification_details: result.classification_details
          ? JSON.stringify(result.classification_details)
          : null,
        ...scoresOf(result, scores as readonly Json[] | undefined),
      })
    }
  }
}

type Scores = Pick<ModelResultRow, 'human_score' | 'artificial_score' | 'other_scores' | 'top_label'>

/**
 * The scores of one result, by label. A list that has more than these two columns can hold, or that comes from a model that
 * abstained, is stored in `other_scores` as received.
 */
function scoresOf({ unknown, classification }: AudioModelResult, received: readonly Json[] = []): Scores {
  const scores: Scores = { human_score: null, artificial_score: null, other_scores: null, top_label: null }
  if (classification === undefined) return scores
  if (unknown !== true) scores.top_label = topLabel(classification)
  if (unknown === true || !isPlain(received)) {
    scores.other_scores = JSON.stringify(storable(asReceived(received)))
    return scores
  }
  for (const { label, score } of classification) {
    if (label === 'human') scores.human_score = score ?? null
    else scores.artificial_score = score ?? null
  }
  return scores
}

/** Returns true for at most one entry each for human and artificial, with a score and no other member. */
function isPlain(scores: readonly Json[]): boolean {
  if (asReceived(scores) !== scores || scores.length > 2) return false
  const [first, second] = scores as readonly JsonObject[]
  return scores.every(isPlainScore) && first?.label !== second?.label
}

function isPlainScore(entry: Json): boolean {
  if (!isJsonObject(entry) || typeof entry.score !== 'number') return false
  for (const key in entry) if (key !== 'label' && key !== 'score') return false
  return entry.label === 'human' || entry.label === 'artificial'
}

/** The label with the highest score, and the first of equal scores; null where that has no label. */
function topLabel(scores: NonNullable<AudioModelResult['classification']>): string | null {
  let top: (typeof scores)[number] | undefined
  for (const entry of scores) {
    if (entry.score !== undefined && entry.score > (top?.score ?? Number.NEGATIVE_INFINITY)) top = entry
  }
  return top?.label ?? null
}
