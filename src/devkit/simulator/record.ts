import type { JsonObject } from '../../platform/json.ts'
import { type Analysis, analyse } from './analysis.ts'
import { createDraw, type Draw } from './draw.ts'

/** Labels that an override takes. */
export type ForcedLabel = 'human' | 'artificial'

/** One submission as the API keeps it; its file may have been submitted before. */
export interface Submission {
  readonly identifier: string
  readonly hash: string
  /** How its analysis will end. */
  readonly result: 'done' | 'errored'
  /** From before API v1.1.0: its record has no status and no version. */
  readonly legacy: boolean
  /** How many asks still find it unfinished. */
  requestsLeft: number
  /** Clock, in milliseconds, before which it is unfinished. */
  readonly readyAt: number
}

const NAMES = ['call-0815.wav', 'Запись звонка.mp3', '留守番電話 🎙️.ogg', "Größe & Maß; 'DROP'.wav", '']

/** The record of a submission as the API would write it. */
export function recordOf(
  seed: number,
  submission: Submission,
  state: { readonly finished: boolean; readonly force: ForcedLabel | null; readonly heuristic: string },
): JsonObject {
  const draw = createDraw('record', seed, submission.identifier)
  const described = describe(draw, submission)
  const force_classification = state.force
  if (!state.finished) {
    return {
      ...described,
      ...statusOf(submission, 'new'),
      ...nothingYet(draw),
      force_classification,
    }
  }
  if (submission.result === 'errored') {
    const errors = draw.pick(['The file is not audio.', 'The audio is shorter than one second.'])
    return {
      ...described,
      ...statusOf(submission, 'errored'),
      ...nothingYet(draw),
      errors,
      force_classification,
    }
  }
  return {
    ...described,
    ...statusOf(submission, 'done'),
    ...resultOf(draw, analyse(seed, submission.hash), state.heuristic),
    errors: null,
    force_classification,
  }
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

/** The ways in which the fields of an unfinished record say nothing. */
function nothingYet(draw: Draw): JsonObject {
  return draw.pick<JsonObject>([
    {},
    { verdict: null, verdicts: [], results: [], details: {} },
    { verdict: {}, verdicts: null, results: null, details: { clips: [] } },
  ])
}

function resultOf(draw: Draw, analysis: Analysis, heuristic: string): JsonObject {
  const main = analysis.verdicts.find((verdict) => verdict.heuristic === heuristic) ?? analysis.verdicts[0]
  return {
    verdict: main as JsonObject,
    verdicts: analysis.verdicts,
    results: analysis.results,
    ...(analysis.clips.length > 0 || draw.chance(0.5)
      ? { details: { clips: analysis.clips } }
      : { details: null }),
  }
}
