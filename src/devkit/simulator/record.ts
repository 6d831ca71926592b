import { createDraw, type Draw } from './draw.ts'

/** Any value that JSON can hold. The simulator shares no type with the product that it tests. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject

export interface JsonObject {
  readonly [key: string]: Json
}

/** The labels that an override accepts. */
export type ForcedLabel = 'human' | 'artificial'

/** A submission as the API stores it. Several submissions can have the same file. */
export interface Submission {
  readonly identifier: string
  readonly hash: string
  /** How its analysis ends. */
  readonly outcome: 'done' | 'errored'
  /** Analyzed before API v1.1.0, so that its record has no status and no version. */
  readonly legacy: boolean
  /** Number of requests that still find it unfinished. */
  requestsLeft: number
  /** Unix time in milliseconds before which it is unfinished. */
  readonly readyAt: number
}

const NAMES = ['call-0815.wav', 'Запись звонка.mp3', '留守番電話 🎙️.ogg', "Größe & Maß; 'DROP'.wav", '']

/** Returns the record of a submission as the API would send it. */
export function recordOf(
  seed: number,
  submission: Submission,
  state: { readonly finished: boolean; readonly force: ForcedLabel | null; readonly heuristic: string },
): JsonObject {
  const draw = createDraw('record', seed, submission.identifier)
  const status = state.finished ? submission.outcome : 'new'
  const start = { ...describe(draw, submission), ...statusOf(submission, status) }
  const force_classification = state.force
  if (status === 'new') return { ...start, ...emptyResult(draw), force_classification }
  if (status === 'errored') {
    const errors = draw.pick(['The file is not audio.', 'The audio is shorter than one second.'])
    return { ...start, ...emptyResult(draw), errors, force_classification }
  }
  const result = resultOf(draw, analyze(seed, submission.hash), state.heuristic)
  return { ...start, ...result, errors: null, force_classification }
}

function describe(draw: Draw, { identifier, hash }: Submission): JsonObject {
  return {
    hash,
    identifier,
    ...(draw.chance(0.9) && { name: draw.pick(NAMES) }),
    ...(draw.chance(0.6) && { ref_id: `case-${draw.integer(1, 500)}` }),
    result_url: `https://dashboard.example/results/${identifier.slice(0, 12)}`,
  }
}

function statusOf({ legacy }: Submission, status: string): JsonObject {
  if (legacy) return {}
  return { status, api_version: status === 'done' ? '1.4.2' : null }
}

/** Returns one of the forms that the result fields of an unfinished record can have. */
function emptyResult(draw: Draw): JsonObject {
  return draw.pick<JsonObject>([
    {},
    { verdict: null, verdicts: [], results: [], details: {} },
    { verdict: {}, verdicts: null, results: null, details: { clips: [] } },
  ])
}

function resultOf(draw: Draw, analysis: ReturnType<typeof analyze>, heuristic: string): JsonObject {
  const main = analysis.verdicts.find((each) => each.heuristic === heuristic) ?? analysis.verdicts[0]
  return {
    verdict: main as JsonObject,
    verdicts: analysis.verdicts,
    results: analysis.results,
    details: analysis.clips.length > 0 || draw.chance(0.5) ? { clips: analysis.clips } : null,
  }
}

const MODELS = ['Phantom', 'Zebra II', 'Nightjar', 'Kestrel 3']

/** Heuristics that the API is known to use for audio. */
const HEURISTICS = [
  'Majority',
  'Average',
  'AverageExcludeObsolete',
  'AverageExclude10',
  'AverageExclude20',
  'AverageExclude30',
  'TopRelevant',
]

/** Invents the analysis of an audio file from the seed and its hash, so that its submissions have the same. */
function analyze(seed: number, hash: string) {
  const draw = createDraw('analysis', seed, hash)
  const artificial = draw.chance(0.35) ? 0.6 + draw.fraction() * 0.4 : draw.fraction() * 0.5
  const models = draw.shuffle(MODELS).slice(0, draw.integer(2, MODELS.length))
  const results = models.map((model) => modelResult(draw, model, artificial))
  // Short files have no clips, and a few files are long.
  const clipCount = draw.chance(0.2) ? 0 : draw.chance(0.03) ? draw.integer(40, 60) : draw.integer(1, 10)
  return {
    results,
    verdicts: HEURISTICS.slice(0, draw.integer(3, HEURISTICS.length)).map((heuristic) =>
      verdict(draw, heuristic, results),
    ),
    clips: Array.from({ length: clipCount }, (_, index) => clip(draw, index, models, artificial)),
  }
}

function modelResult(draw: Draw, model: string, artificial: number): JsonObject {
  if (draw.chance(0.05)) return { model, unknown: true, elapsed_time: draw.fraction() }
  const score = clamp(artificial + (draw.fraction() - 0.5) * 0.3)
  return {
    model,
    unknown: false,
    elapsed_time: draw.fraction() * 3,
    classification: draw.shuffle([
      { label: 'human', score: round(1 - score) },
      { label: 'artificial', score },
    ]),
    classification_details: draw.chance(0.5)
      ? { window: draw.integer(1, 4), note: 'ünïcödé ✓ "quoted"\n\\' }
      : {},
  }
}

function verdict(draw: Draw, heuristic: string, results: readonly JsonObject[]): JsonObject {
  const scores = results.flatMap((result) => artificialScore(result) ?? [])
  const artificial = scores.length === 0 ? draw.fraction() : combine(heuristic, scores)
  return {
    heuristic,
    confidence: round(Math.max(artificial, 1 - artificial)),
    classification: artificial >= 0.5 ? 'artificial' : 'human',
    models: results.filter((result) => result.unknown !== true).flatMap((result) => result.model ?? []),
  }
}

function combine(heuristic: string, scores: readonly number[]): number {
  if (heuristic === 'Majority') return scores.filter((score) => score >= 0.5).length / scores.length
  if (heuristic === 'TopRelevant') return Math.max(...scores)
  return scores.reduce((sum, score) => sum + score, 0) / scores.length
}

function clip(draw: Draw, index: number, models: readonly string[], artificial: number): JsonObject {
  const results = models.map((model) =>
    modelResult(draw, model, clamp(artificial + (draw.fraction() - 0.5) * 0.4)),
  )
  return { index, start: index * 4, end: index * 4 + 4, results, verdict: verdict(draw, 'Majority', results) }
}

function artificialScore(result: JsonObject): number | undefined {
  const scores = (result.classification ?? []) as readonly JsonObject[]
  return scores.find((score) => score.label === 'artificial')?.score as number | undefined
}

function clamp(value: number): number {
  return round(Math.min(Math.max(value, 0), 1))
}

function round(value: number): number {
  return Math.round(value * 1e6) / 1e6
}
