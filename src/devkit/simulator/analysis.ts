import type { JsonObject } from '../../platform/json.ts'
import { createDraw, type Draw } from './draw.ts'

const MODELS = ['Phantom', 'Zebra II', 'Nightjar', 'Kestrel 3']

/** The heuristics that the API has been seen to use for audio. */
const HEURISTICS = [
  'Majority',
  'Average',
  'AverageExcludeObsolete',
  'AverageExclude10',
  'AverageExclude20',
  'AverageExclude30',
  'TopRelevant',
]

/** What the detector says of one audio file: the same for every submission of it. */
export interface Analysis {
  readonly verdicts: readonly JsonObject[]
  readonly results: readonly JsonObject[]
  readonly clips: readonly JsonObject[]
}

/** Analyses the file that a seed and a hash stand for. */
export function analyse(seed: number, hash: string): Analysis {
  const draw = createDraw('analysis', seed, hash)
  const artificial = draw.chance(0.35) ? 0.6 + draw.fraction() * 0.4 : draw.fraction() * 0.5
  const models = draw.shuffle(MODELS).slice(0, draw.integer(2, MODELS.length))
  const results = models.map((model) => modelResult(draw, model, artificial))
  // Short files have no clips; a few are long.
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
