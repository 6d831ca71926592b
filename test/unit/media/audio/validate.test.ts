import { describe, expect, it } from 'vitest'
import { MAX_DEPTH } from '../../../../src/media/storable.ts'
import { validateAudio } from '../../../../src/media/audio/validate.ts'
import type { Json, JsonObject } from '../../../../src/platform/json.ts'

const minimal = { identifier: 'a' }

function accepted(record: JsonObject) {
  const validation = validateAudio(record)
  if (!validation.accepted) throw new Error(JSON.stringify(validation.issues))
  return validation.classification
}

function rejected(record: JsonObject) {
  const validation = validateAudio(record)
  if (validation.accepted) throw new Error('accepted')
  return validation
}

describe('the audio contract', () => {
  it.each<[string, Json]>([
    ['absent', undefined as never],
    ['null', null],
    ['an empty list', []],
    ['an empty object', {}],
  ])('treats every field as empty when it is %s', (_, nothing) => {
    const fields = [
      'hash',
      'status',
      'errors',
      'verdict',
      'verdicts',
      'results',
      'details',
      'chunk_details',
      'name',
    ]
    const record = Object.fromEntries(
      fields.map((field) => [field, nothing]).filter(([, value]) => value !== undefined),
    )
    expect(accepted({ ...minimal, ...record })).toMatchObject({ known: minimal, extra: {}, drift: [] })
  })

  it('copies nothing of a record in which nothing is empty', () => {
    const record = {
      ...minimal,
      details: { clips: [{ results: [{ model: 'a' }] }] },
      verdicts: [{ models: ['a'] }],
    }
    expect(accepted(record).content).toBe(record)
    const emptier = { ...record, results: [] }
    expect(accepted(emptier).content).toEqual(record)
    expect(accepted(emptier).content.details).toBe(record.details)
  })

  it('treats the empty text as a value', () => {
    expect(accepted({ ...minimal, name: '' }).known.name).toBe('')
  })

  it.each<[string, JsonObject, string]>([
    ['a number as status', { status: 5 }, '/status'],
    ['a number as text', { verdict: { confidence: '0.9' } }, '/verdict/confidence'],
    ['a list in place of an object', { verdict: ['human'] }, '/verdict'],
    ['an object in place of a list', { results: { model: 'a' } }, '/results'],
    [
      'a wrong type deep inside',
      { details: { clips: [{ results: [{ unknown: 'no' }] }] } },
      '/details/clips/0/results/0/unknown',
    ],
    [
      'details that are a list',
      { results: [{ classification_details: [1] }] },
      '/results/0/classification_details',
    ],
    ['a hash beyond 1,024 bytes', { hash: 'é'.repeat(513) }, '/hash'],
  ])('rejects %s and names the path', (_, fields, path) => {
    const { reason, issues } = rejected({ ...minimal, ...fields })
    expect(reason).toBe('invalid_payload')
    expect(issues.map((issue) => issue.path)).toEqual([path])
  })

  it('accepts a text of 1,024 bytes, and names the number beyond double precision', () => {
    for (const hash of ['a'.repeat(1024), 'é'.repeat(512)])
      expect(accepted({ ...minimal, hash }).known.hash).toBe(hash)
    const { issues } = rejected({ ...minimal, extra: JSON.parse('1e999') as number })
    expect(issues).toEqual([{ path: '/extra', message: 'is a number beyond double precision' }])
  })

  it('names every path that does not fit', () => {
    const { issues } = rejected({ ...minimal, name: 1, verdicts: [{ confidence: 1 }, { models: 'x' }] })
    expect(issues.map((issue) => issue.path)).toEqual(['/name', '/verdicts/1/models'])
  })

  it.each<[string, JsonObject, string]>([
    ['an identifier with U+0000', { identifier: 'a\0b' }, '/identifier'],
    ['an identifier with half of a surrogate pair', { identifier: 'a\uD800b' }, '/identifier'],
    ['a number beyond double precision', { extra: [JSON.parse('1e999') as number] }, '/extra/0'],
    [
      'such a number in free content',
      { results: [{ classification_details: { a: [JSON.parse('-1e999') as number] } }] },
      '/results/0/classification_details/a/0',
    ],
  ])('reports %s as unstorable', (_, fields, path) => {
    const { reason, issues } = rejected({ ...minimal, ...fields })
    expect(reason).toBe('unstorable')
    expect(issues.map((issue) => issue.path)).toEqual([path])
  })

  it('accepts whole surrogate pairs and every other character', () => {
    expect(accepted({ ...minimal, name: '😀\u0001\uFFFF' }).known.name).toBe('😀\u0001\uFFFF')
  })

  it('reports nesting of any depth instead of overflowing', () => {
    const nested = (levels: number) => JSON.parse(`${'['.repeat(levels)}1${']'.repeat(levels)}`) as Json
    expect(rejected({ ...minimal, deep: nested(100_000) }).reason).toBe('unstorable')
    expect(accepted({ ...minimal, deep: nested(MAX_DEPTH - 1) }).extra).toHaveProperty(['/deep'])
    expect(rejected({ ...minimal, deep: nested(MAX_DEPTH) })).toEqual({
      accepted: false,
      reason: 'unstorable',
      issues: [
        {
          path: `/deep${'/0'.repeat(MAX_DEPTH - 1)}`,
          message: `is nested more than ${MAX_DEPTH} levels deep`,
        },
      ],
    })
  })

  it('keeps unknown fields at every level, by pointer, and records them as drift', () => {
    const record = JSON.parse(`{
      "identifier": "a", "uploaded_by": "x", "__proto__": 1,
      "verdict": {"heuristic": "Majority", "margin": 0.2},
      "results": [{"model": "m", "classification": [{"label": "human", "p/value": 1}]}], "nothing": null,
      "details": {"clips": [{"index": 1, "loud~ness": -3}], "sample_rate": 8000}
    }`) as JsonObject
    const { extra, drift } = accepted(record)
    expect(extra).toEqual({
      '/uploaded_by': 'x',
      '/__proto__': 1,
      '/verdict/margin': 0.2,
      '/nothing': null,
      '/details/clips/0/loud~0ness': -3,
      '/details/sample_rate': 8000,
    })
    expect(drift.map(({ kind, path }) => `${kind} ${path}`).toSorted()).toEqual([
      'unknown_field /__proto__',
      'unknown_field /details/clips/*/loud~0ness',
      'unknown_field /details/sample_rate',
      'unknown_field /nothing',
      'unknown_field /results/*/classification/*/p~1value',
      'unknown_field /uploaded_by',
      'unknown_field /verdict/margin',
    ])
  })

  it('keeps new labels and records them as drift, each path once', () => {
    const unsure = { classification: 'unsure' }
    const { known, drift } = accepted({
      ...minimal,
      force_classification: 'mixed',
      verdict: unsure,
      verdicts: [unsure, unsure, { classification: 'human' }],
      results: [{ classification: [{ label: 'cloned', score: 1 }] }],
      details: { clips: [{ verdict: unsure, results: [{ classification: [{ label: 'whispered' }] }] }] },
    })
    expect(known.force_classification).toBe('mixed')
    expect(drift).toEqual([
      { kind: 'unknown_value', path: '/force_classification', sample: 'mixed' },
      { kind: 'unknown_value', path: '/verdict/classification', sample: 'unsure' },
      { kind: 'unknown_value', path: '/verdicts/*/classification', sample: 'unsure' },
      { kind: 'unknown_value', path: '/results/*/classification/*/label', sample: 'cloned' },
      { kind: 'unknown_value', path: '/details/clips/*/verdict/classification', sample: 'unsure' },
      {
        kind: 'unknown_value',
        path: '/details/clips/*/results/*/classification/*/label',
        sample: 'whispered',
      },
    ])
  })

  it('records the first sample of each place as drift', () => {
    const labels = ['unsure', 'mixed'].map((classification) => ({ classification }))
    expect(accepted({ ...minimal, verdicts: labels }).drift).toEqual([
      { kind: 'unknown_value', path: '/verdicts/*/classification', sample: 'unsure' },
    ])
  })

  it('records a status that is not documented as drift, and none for the others', () => {
    expect(accepted({ ...minimal, status: 'queued' }).drift).toEqual([
      { kind: 'unknown_value', path: '/status', sample: 'queued' },
    ])
    for (const status of ['new', 'done', 'errored', undefined])
      expect(accepted({ ...minimal, ...(status && { status }) }).drift).toEqual([])
  })

  it('takes whole numbers for positions of a list, and no other names', () => {
    const verdicts = Array.from({ length: 11 }, () => ({ confidence: 1, margin: 1 }))
    const paths = accepted({ ...minimal, verdicts, g5: 1, '5g': 1 }).drift.map(({ path }) => path)
    expect(paths.toSorted()).toEqual(['/5g', '/g5', '/verdicts/*/margin'])
  })

  it('keeps a list of errors beside the column', () => {
    const { extra, drift } = accepted({ ...minimal, status: 'errored', errors: ['too short', 'too quiet'] })
    expect(extra).toEqual({ '/errors': ['too short', 'too quiet'] })
    expect(drift).toEqual([{ kind: 'unknown_value', path: '/errors', sample: ['too short', 'too quiet'] }])
  })

  it('drops empty elements from a list of errors', () => {
    expect(accepted({ ...minimal, errors: [null] }).known.errors).toBeUndefined()
    expect(accepted({ ...minimal, errors: ['x', null] }).known.errors).toEqual(['x'])
  })

  it('reads clips from chunk_details, as drift, and keeps a second list as unknown', () => {
    const clips = [{ index: 1 }, { index: 2 }]
    const moved = accepted({ ...minimal, chunk_details: clips })
    expect(moved.known.chunk_details).toEqual(clips)
    const sample = { index: 1, start: null, end: null }
    expect(moved.drift).toEqual([{ kind: 'moved_field', path: '/chunk_details', sample }])
    const whole = { index: 0, start: 1.5, end: 3 }
    expect(accepted({ ...minimal, chunk_details: [whole] }).drift).toMatchObject([{ sample: whole }])
    const without = { index: null, start: null, end: null }
    expect(accepted({ ...minimal, chunk_details: [{ verdict: { confidence: 1 } }] }).drift).toMatchObject([
      { sample: without },
    ])
    const both = accepted({ ...minimal, details: { clips: [{ index: 9 }] }, chunk_details: clips })
    expect(both.known.details?.clips).toEqual([{ index: 9 }])
    expect(both.extra).toEqual({ '/chunk_details': clips })
  })

  it('treats labels and scores in chunk_details as in the documented list', () => {
    const { extra, drift } = accepted({
      ...minimal,
      chunk_details: [
        {
          verdict: { classification: 'unsure' },
          results: [{ classification: [{ label: 'cloned', margin: 1 }] }],
        },
      ],
    })
    expect(extra).toEqual({})
    expect(drift.map(({ kind, path }) => `${kind} ${path}`).toSorted()).toEqual([
      'moved_field /chunk_details',
      'unknown_field /chunk_details/*/results/*/classification/*/margin',
      'unknown_value /chunk_details/*/results/*/classification/*/label',
      'unknown_value /chunk_details/*/verdict/classification',
    ])
  })
})
