import { describe, expect, it } from 'vitest'
import { validateAudio } from '../../../../src/media/audio/validate.ts'
import type { JsonObject } from '../../../../src/platform/json.ts'
import { contentDigest } from '../../../../src/media/content-digest.ts'
import { audioEndpoint } from '../../../../src/media/audio/endpoint.ts'
import type { AudioRows } from '../../../../src/media/audio/tables.ts'

function rowsOf(record: JsonObject) {
  const validation = validateAudio({ identifier: 'id-1', ...record })
  if (!validation.accepted) throw new Error(JSON.stringify(validation.issues))
  const { classification, children, revision, ...facts } = audioEndpoint.normalize(
    42,
    validation.classification,
  )
  return { classification, revision, ...facts, ...(children as AudioRows) }
}

const by = (heuristic: string, classification: string) => ({ heuristic, classification })

describe('the rows of a classification', () => {
  it('number verdicts and results in the order of the record: file first, then clips', () => {
    const rows = rowsOf({
      status: 'done',
      verdict: { heuristic: 'Majority', models: ['b', 'a'] },
      verdicts: [{ heuristic: 'Majority' }, { heuristic: 'Average' }],
      results: [
        {
          model: 'x',
          classification: [
            { label: 'human', score: 0.1 },
            { label: 'artificial', score: 0.9 },
          ],
        },
      ],
      details: {
        clips: [{ index: 5, verdict: { classification: 'human' }, results: [{ model: 'y' }] }, { index: 5 }],
      },
    })
    expect(rows.verdicts.map(({ verdict_no, kind, models }) => [verdict_no, kind, models])).toEqual([
      [0, 'main', ['b', 'a']],
      [1, 'heuristic', null],
      [2, 'heuristic', null],
    ])
    expect(rows.model_results.map(({ result_no, clip_no, model }) => [result_no, clip_no, model])).toEqual([
      [0, null, 'x'],
      [1, 0, 'y'],
    ])
    expect(
      rows.clips.map(({ clip_no, clip_index, classification }) => [clip_no, clip_index, classification]),
    ).toEqual([
      [0, 5, 'human'],
      [1, 5, null],
    ])
    expect(rows.classification).toMatchObject({
      classification_id: 42,
      identifier: 'id-1',
      clips_path: '/details/clips',
    })
  })

  it.each<[string, JsonObject, string]>([
    ['done', { status: 'done' }, 'done'],
    ['errored', { status: 'errored' }, 'errored'],
    ['new', { status: 'new', verdict: { confidence: 1 } }, 'new'],
    ['done without a status but with a verdict', { verdict: { confidence: 1 } }, 'done'],
    ['new without a status and a verdict', { errors: 'x' }, 'new'],
  ])('amount to %s', (_, record, status) => {
    expect(rowsOf(record).revision.status).toBe(status)
  })

  it.each<[string, JsonObject, [number, number]]>([
    [
      'others',
      { verdict: by('A', 'human'), verdicts: [by('A', 'human'), by('B', 'human'), by('C', 'artificial')] },
      [2, 1],
    ],
    [
      'a repeated one',
      { verdict: by('A', 'human'), verdicts: [by('B', 'artificial'), by('B', 'human')] },
      [1, 1],
    ],
    [
      'one without a label',
      { verdict: by('A', 'human'), verdicts: [{ heuristic: 'B' }, by('C', 'human')] },
      [1, 0],
    ],
    [
      'those of a main verdict without a label',
      { verdict: { heuristic: 'A' }, verdicts: [by('B', 'human')] },
      [0, 0],
    ],
    ['those without a main verdict', { verdicts: [by('B', 'human')] }, [0, 0]],
    [
      'those of a main verdict without a heuristic',
      {
        verdict: { classification: 'human' },
        verdicts: [{ classification: 'artificial' }, by('B', 'artificial')],
      },
      [1, 1],
    ],
  ])('count the other heuristics, and those that disagree: %s', (_, record, [others, disagreeing]) => {
    expect(rowsOf(record).classification).toMatchObject({
      other_heuristic_count: others,
      disagreeing_heuristic_count: disagreeing,
    })
  })

  it('count the clips, those with a label, and the models of the file', () => {
    const labels = ['human', 'artificial', 'human', 'artificial', 'artificial']
    const rows = rowsOf({
      results: [{ model: 'x' }, { model: 'x' }, { elapsed_time: 1 }, { model: 'y' }],
      details: {
        clips: [
          ...labels.map((classification) => ({ verdict: { classification } })),
          { index: 1, results: [{ model: 'z' }] },
        ],
      },
    })
    expect(rows.classification).toMatchObject({
      clip_count: 6,
      judged_clip_count: 5,
      artificial_clip_count: 3,
      model_count: 2,
    })
  })

  it('of a record with nothing but its identifier are one, without counts', () => {
    const { classification, clips, verdicts, model_results } = rowsOf({})
    expect(classification).toMatchObject({
      media: 'audio',
      identifier: 'id-1',
      clips_path: null,
      extra: null,
      unstorable: null,
      clip_count: 0,
      judged_clip_count: 0,
      artificial_clip_count: 0,
      model_count: 0,
    })
    expect([clips, verdicts, model_results]).toEqual([[], [], []])
  })

  it('have the number of their classification, and what the revision says of the main verdict', () => {
    const verdict = { heuristic: 'A', confidence: 0, classification: 'human', models: ['m'] }
    const { clips, verdicts, model_results, revision } = rowsOf({
      verdict,
      results: [{ model: 'm' }],
      details: { clips: [{ index: 1 }] },
    })
    for (const rows of [clips, verdicts, model_results])
      expect(rows).toMatchObject([{ classification_id: 42 }])
    expect(revision).toMatchObject({
      machine_classification: 'human',
      machine_confidence: 0,
      machine_heuristic: 'A',
    })
    expect(rowsOf({}).revision).toMatchObject({
      machine_classification: null,
      machine_confidence: null,
      machine_heuristic: null,
    })
  })

  it('hold the whole record, which can be rebuilt from them', () => {
    const record = {
      identifier: 'id-1',
      results: [{ model: 'm', classification: [score('human', 0.3), score('artificial', 0.7)] }],
      name: 'n',
    }
    const { classification, clips, verdicts, model_results } = rowsOf(record)
    const children = { clips, verdicts, model_results }
    expect(audioEndpoint.denormalize({ classification, children })).toStrictEqual(record)
  })

  it('join a list of errors by line breaks', () => {
    expect(rowsOf({ errors: ['a', 'b'] }).classification.errors).toBe('a\nb')
  })

  it('mark a verdict whose heuristic an earlier one has, and none without a heuristic', () => {
    const { verdicts } = rowsOf({
      verdict: { heuristic: 'Mean' },
      verdicts: [{ heuristic: 'Max' }, { heuristic: 'Mean' }, { confidence: 1 }, { confidence: 1 }],
    })
    expect(verdicts.map(({ is_repeated }) => is_repeated)).toEqual([false, false, true, false, false])
  })

  it.each<[string, JsonObject, readonly [number | null, number | null, string | null]]>([
    [
      'both labels',
      { classification: [score('human', 0.3), score('artificial', 0.7)] },
      [0.3, 0.7, 'artificial'],
    ],
    ['one label', { classification: [score('human', 0)] }, [0, null, 'human']],
    [
      'equal scores',
      { classification: [score('artificial', 0.5), score('human', 0.5)] },
      [0.5, 0.5, 'artificial'],
    ],
    ['no label', { classification: [] }, [null, null, null]],
    ['an abstention without scores', { unknown: true }, [null, null, null]],
  ])('hold the scores of a result with %s in columns', (_, result, [human, artificial, top]) => {
    expect(rowsOf({ results: [{ model: 'm', ...result }] }).model_results).toMatchObject([
      { human_score: human, artificial_score: artificial, other_scores: null, top_label: top },
    ])
  })

  it.each<[string, JsonObject, string | null]>([
    ['a label twice', { classification: [score('human', 0.1), score('human', 0.2)] }, 'human'],
    ['another label', { classification: [score('cloned', 0.1)] }, 'cloned'],
    ['three labels', { classification: [score('human', 0), score('artificial', 0), score('x', 1)] }, 'x'],
    [
      'both labels, and one of them again',
      { classification: [score('human', 0.2), score('artificial', 0.7), score('human', 0.1)] },
      'artificial',
    ],
    ['a score without a label', { classification: [{ score: 0.5 }] }, null],
    ['a label without a score', { classification: [{ label: 'human' }] }, null],
    ['an unknown field', { classification: [{ ...score('human', 0.1), margin: null }] }, 'human'],
    ['an empty element', { classification: [null, score('human', 0.1), {}] }, 'human'],
    [
      'an empty field',
      { classification: [{ label: 'human', score: [] }, score('artificial', 1)] },
      'artificial',
    ],
    ['an abstention', { unknown: true, classification: [score('human', 0.1)] }, null],
  ])('hold the scores of a result with %s as received', (_, result, top) => {
    const [row] = rowsOf({ results: [{ model: 'm', ...result }] }).model_results
    expect(row).toMatchObject({ human_score: null, artificial_score: null, top_label: top })
    expect(JSON.parse(row?.other_scores ?? 'null')).toEqual(result.classification)
  })

  it('hold unknown fields and free content as received, with their empty members', () => {
    const free = { a: [1, {}], b: null, c: {} }
    const rows = rowsOf({
      unknown: free,
      nothing: null,
      results: [{ model: 'm', classification_details: free }],
    })
    expect(JSON.parse(rows.classification.extra ?? '')).toEqual({ '/unknown': free, '/nothing': null })
    expect(JSON.parse(rows.model_results[0]?.classification_details ?? '')).toEqual(free)
  })

  it('hold lists that the columns join or leave out as received', () => {
    const clips = [null, { index: 1, start: null }]
    const rows = rowsOf({ errors: ['a', null], details: { clips: [{ index: 2 }] }, chunk_details: clips })
    expect(JSON.parse(rows.classification.extra ?? '')).toEqual({
      '/errors': ['a', null],
      '/chunk_details': clips,
    })
  })
})

describe('a character that PostgreSQL cannot store', () => {
  it('is replaced in the columns, and the exact text is listed', () => {
    const rows = rowsOf({
      name: 'a\0b',
      ref_id: '\uD800',
      'a\\u0000': 'plain',
      results: [{ model: 'm\0', classification: [score('human\0', 1)] }],
    })
    expect(rows.classification).toMatchObject({ name: 'a\uFFFDb', ref_id: '\uFFFD' })
    expect(rows.model_results).toMatchObject([{ model: 'm\uFFFD', top_label: 'human\uFFFD' }])
    expect(rows.model_results[0]?.other_scores).toBe('[{"label":"human\uFFFD","score":1}]')
    expect(JSON.parse(rows.classification.unstorable ?? '')).toEqual({
      '/name': String.raw`"a\u0000b"`,
      '/ref_id': String.raw`"\ud800"`,
      '/results/0/model': String.raw`"m\u0000"`,
      '/results/0/classification/0/label': String.raw`"human\u0000"`,
    })
  })

  it('in a key leaves the member out of the columns, and no two keys become one', () => {
    const rows = rowsOf({ 'k\0': { a: 1 }, 'k\uFFFD': 2, deep: { 'k\0': 3, k: 4 }, 'k\\u0000': 5 })
    expect(JSON.parse(rows.classification.extra ?? '')).toEqual({
      '/k\uFFFD': 2,
      '/deep': { k: 4 },
      '/k\\u0000': 5,
    })
    expect(JSON.parse(rows.classification.unstorable ?? '')).toEqual({
      [String.raw`/k\u0000`]: '{"a":1}',
      [String.raw`/deep/k\u0000`]: '3',
    })
  })

  it('is listed in the same way when the record is rebuilt from rows without a verdict of the clip', () => {
    const record = {
      details: { clips: [{ results: [{ model: 'm', classification_details: { 'k\0': 1 } }] }] },
    }
    const { classification, ...children } = rowsOf(record)
    const rebuilt = audioEndpoint.denormalize({ classification, children: children as never })
    expect(rebuilt).toEqual({ identifier: 'id-1', ...record })
    expect(rowsOf(rebuilt).classification.unstorable).toBe(classification.unstorable)
  })

  it('leaves a hash null, so that no two files become one', () => {
    const rows = rowsOf({ hash: 'a\0' })
    expect([rows.classification.file_hash, rows.revision.file_hash]).toEqual([null, null])
    expect(JSON.parse(rows.classification.unstorable ?? '')).toEqual({ '/hash': String.raw`"a\u0000"` })
  })

  it('counts in the digest as it came', () => {
    const digests = ['a\0', 'a\uFFFD', 'a\uD800'].map((name) => rowsOf({ name }).contentDigest)
    expect(new Set(digests).size).toBe(3)
  })
})

function score(label: string, value: number): JsonObject {
  return { label, score: value }
}

describe('the content digest', () => {
  const record = {
    verdicts: [
      { heuristic: 'B', models: ['m2', 'm1'] },
      { heuristic: 'A', confidence: 1 },
    ],
    details: { clips: [{ index: 2 }, { index: 1, start: 4 }, { index: 1, start: 2 }] },
  }

  it('is the SHA-256 of the RFC 8785 JSON of the canonical content', () => {
    const canonical =
      '{"details":{"clips":[{"index":1,"start":2},{"index":1,"start":4},{"index":2}]},"identifier":"id-1",' +
      '"verdicts":[{"confidence":1,"heuristic":"A"},{"heuristic":"B","models":["m1","m2"]}]}'
    expect(audioEndpoint.canonicalize({ identifier: 'id-1', ...record })).toEqual(JSON.parse(canonical))
    // sha256sum of the text above.
    expect(rowsOf(record).contentDigest).toBe(
      '59e97c5c03f009dd885cb1bd099bd25a9c05b0411cd0f73b5eaff123b7dcd6dd',
    )
  })

  it('leaves out the empty members of unknown fields, also of a stored payload', () => {
    const extra = { a: 1, b: null, c: {}, d: [''] }
    expect(audioEndpoint.canonicalize({ identifier: 'id-1', extra })).toEqual({
      identifier: 'id-1',
      extra: { a: 1, d: [''] },
    })
    expect(rowsOf({ extra }).contentDigest).toBe(rowsOf({ extra: { a: 1, d: [''] } }).contentDigest)
  })

  it('is the same for both clip shapes', () => {
    const { details, ...rest } = record
    expect(rowsOf({ ...rest, chunk_details: details.clips }).contentDigest).toBe(rowsOf(record).contentDigest)
  })

  it('is the same for a second list of clips in another order', () => {
    const [one, other] = [record.details.clips, record.details.clips.toReversed()].map(
      (chunk_details) => rowsOf({ ...record, chunk_details }).contentDigest,
    )
    expect(one).toBe(other)
  })

  it('changes with a value, a label, a missing element and an unknown field', () => {
    const variants = [
      { ...record, name: '' },
      { ...record, verdicts: record.verdicts.slice(1) },
      { ...record, force_classification: 'human' },
      { ...record, details: { clips: record.details.clips.slice(1) } },
      { ...record, somewhere: { new: [1] } },
      { ...record, somewhere: { new: [1, null] } },
    ]
    const digests = [record, ...variants].map((variant) => rowsOf(variant).contentDigest)
    expect(new Set(digests).size).toBe(digests.length)
  })

  it('takes key order from RFC 8785: by UTF-16 code unit', () => {
    expect(contentDigest({ '\u{1F600}': 1, '\uFB33': 2 })).toBe(
      contentDigest({ '\uFB33': 2, '\u{1F600}': 1 }),
    )
  })
})
