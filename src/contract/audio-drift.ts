import type { Json } from '../json.ts'
import type { AudioModelResult, AudioRecord } from './audio-record.ts'
import { appendToPointer, pointerTokens } from './json-pointer.ts'
import type { Drift, Extra } from './validation.ts'

const KNOWN_LABELS = new Set(['human', 'artificial'])

/** Every sign of drift in one record, each (path, kind) once. */
export function audioDrift(known: AudioRecord, extra: Extra): Drift[] {
  const found = new Map<string, Drift>()
  const add = (drift: Drift) => {
    const key = `${drift.kind} ${drift.path}`
    if (!found.has(key)) found.set(key, drift)
  }
  for (const [pointer, value] of Object.entries(extra)) {
    add({ kind: 'unknown_field', path: starred(pointer), sample: value })
  }
  for (const [path, label] of labels(known)) {
    if (!KNOWN_LABELS.has(label)) add({ kind: 'unknown_value', path, sample: label })
  }
  if (Array.isArray(known.errors)) add({ kind: 'unknown_value', path: '/errors', sample: known.errors })
  if (known.chunk_details) add({ kind: 'moved_field', path: '/chunk_details', sample: clipSample(known) })
  return [...found.values()]
}

/** The members of `known` whose values are labels, as [path, label]. */
function* labels(known: AudioRecord): Generator<[path: string, label: string]> {
  if (known.force_classification !== undefined) yield ['/force_classification', known.force_classification]
  if (known.verdict?.classification !== undefined) {
    yield ['/verdict/classification', known.verdict.classification]
  }
  for (const verdict of known.verdicts ?? []) {
    if (verdict.classification !== undefined) yield ['/verdicts/*/classification', verdict.classification]
  }
  yield* scoreLabels('/results', known.results)
  for (const [path, clips] of [
    ['/details/clips', known.details?.clips],
    ['/chunk_details', known.chunk_details],
  ] as const) {
    for (const clip of clips ?? []) {
      if (clip.verdict?.classification !== undefined) {
        yield [`${path}/*/verdict/classification`, clip.verdict.classification]
      }
      yield* scoreLabels(`${path}/*/results`, clip.results)
    }
  }
}

function* scoreLabels(
  path: string,
  results: readonly AudioModelResult[] | undefined,
): Generator<[path: string, label: string]> {
  for (const { label } of (results ?? []).flatMap((result) => result.classification ?? [])) {
    if (label !== undefined) yield [`${path}/*/classification/*/label`, label]
  }
}

function clipSample({ chunk_details }: AudioRecord): Json {
  const { index, start, end } = chunk_details?.[0] ?? {}
  return { index: index ?? null, start: start ?? null, end: end ?? null }
}

/** List positions say nothing about the contract; a member named like a position is starred with them. */
function starred(pointer: string): string {
  return pointerTokens(pointer).reduce(
    (path, token) => appendToPointer(path, /^\d+$/.test(token) ? '*' : token),
    '',
  )
}
