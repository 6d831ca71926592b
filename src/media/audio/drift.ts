import { appendToPointer, type Json, pointerTokens } from '../../platform/json.ts'
import type { AudioModelResult, AudioRecord, AudioVerdict } from './contract.ts'
import type { Drift, Extra } from '../validation.ts'

const KNOWN_LABELS = new Set(['human', 'artificial'])

const KNOWN_STATUSES = new Set(['new', 'done', 'errored'])

/** All drift in one record, each (path, kind) once. */
export function audioDrift(known: AudioRecord, extra: Extra): Drift[] {
  const found = new Map<string, Drift>()
  const add = (drift: Drift) => {
    const key = `${drift.kind} ${drift.path}`
    if (!found.has(key)) found.set(key, drift)
  }
  for (const [pointer, value] of Object.entries(extra)) {
    add({ kind: 'unknown_field', path: starred(pointer), sample: value })
  }
  if (!hasKnownStatus(known)) add({ kind: 'unknown_value', path: '/status', sample: known.status ?? null })
  for (const [path, label] of unknownLabels(known)) add({ kind: 'unknown_value', path, sample: label })
  if (Array.isArray(known.errors)) add({ kind: 'unknown_value', path: '/errors', sample: known.errors })
  if (known.chunk_details) add({ kind: 'moved_field', path: '/chunk_details', sample: clipSample(known) })
  return [...found.values()]
}

/** Returns true for a status that is documented, and without a status, as before API v1.1.0. */
export function hasKnownStatus({ status }: AudioRecord): boolean {
  return status === undefined || KNOWN_STATUSES.has(status)
}

/** The undocumented labels of a record, as [path, label]. */
function* unknownLabels(known: AudioRecord): Generator<[path: string, label: string]> {
  if (isUnknown(known.force_classification)) yield ['/force_classification', known.force_classification]
  yield* verdictLabels('/verdict', known.verdict)
  for (const verdict of known.verdicts ?? []) yield* verdictLabels('/verdicts/*', verdict)
  yield* scoreLabels('/results', known.results)
  for (const [path, clips] of [
    ['/details/clips', known.details?.clips],
    ['/chunk_details', known.chunk_details],
  ] as const) {
    for (const clip of clips ?? []) {
      yield* verdictLabels(`${path}/*/verdict`, clip.verdict)
      yield* scoreLabels(`${path}/*/results`, clip.results)
    }
  }
}

function* verdictLabels(path: string, verdict: AudioVerdict | undefined): Generator<[string, string]> {
  if (isUnknown(verdict?.classification)) yield [`${path}/classification`, verdict.classification]
}

function* scoreLabels(
  path: string,
  results: readonly AudioModelResult[] | undefined,
): Generator<[path: string, label: string]> {
  for (const { classification } of results ?? []) {
    for (const { label } of classification ?? []) {
      if (isUnknown(label)) yield [`${path}/*/classification/*/label`, label]
    }
  }
}

function isUnknown(label: string | undefined): label is string {
  return label !== undefined && !KNOWN_LABELS.has(label)
}

function clipSample({ chunk_details }: AudioRecord): Json {
  const { index, start, end } = chunk_details?.[0] ?? {}
  return { index: index ?? null, start: start ?? null, end: end ?? null }
}

/** Replaces list positions by `*`, and with them any member that is named like a position. */
function starred(pointer: string): string {
  return pointerTokens(pointer).reduce(
    (path, token) => appendToPointer(path, /^\d+$/.test(token) ? '*' : token),
    '',
  )
}
