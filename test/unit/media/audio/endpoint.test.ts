import { describe, expect, it } from 'vitest'
import { validateAudio } from '../../../../src/media/audio/validate.ts'
import type { JsonObject } from '../../../../src/platform/json.ts'
import { contentDigest } from '../../../../src/media/content-digest.ts'
import { audioEndpoint } from '../../../../src/media/audio/endpoint.ts'
import type { AudioRows } from '../../../../src/media/audio/tables.ts'

function rowsOf(record: JsonObject) {
  const validation = validateAudio({ identifier: 'id-1', ...record })
  if (!validation.accepted) throw new Error(JSON.stringify(validation.issues))
  const { classification, children, revision, canonical } = audioEndpoint.normalize(
    42,
    validation.classification,
  )
  return { classification, revision, canonical, ...(children as AudioRows) }
}

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
    expect(rows.verdicts.map(({ verdict_no, kind, clip_no }) => [verdict_no, kind, clip_no])).toEqual([
      [0, 'main', null],
      [1, 'heuristic', null],
      [2, 'heuristic', null],
      [3, 'clip', 0],
    ])
    expect(
      rows.verdict_models.map(({ verdict_no, model_no, model }) => [verdict_no, model_no, model]),
    ).toEqual([
      [0, 0, 'b'],
      [0, 1, 'a'],
    ])
    expect(rows.model_results.map(({ result_no, clip_no, model }) => [result_no, clip_no, model])).toEqual([
      [0, null, 'x'],
      [1, 0, 'y'],
    ])
    expect(rows.model_scores.map(({ score_no, label, score }) => [score_no, label, score])).toEqual([
      [0, 'human', 0.1],
      [1, 'artificial', 0.9],
    ])
    expect(rows.clips.map(({ clip_no, clip_index }) => [clip_no, clip_index])).toEqual([
      [0, 5],
      [1, 5],
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

  it('join a list of errors by line breaks', () => {
    expect(rowsOf({ errors: ['a', 'b'] }).classification.errors).toBe('a\nb')
  })
})

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
    expect(rowsOf(record).canonical).toEqual(JSON.parse(canonical))
    // sha256sum of the text above.
    expect(rowsOf(record).revision.content_digest).toBe(
      '59e97c5c03f009dd885cb1bd099bd25a9c05b0411cd0f73b5eaff123b7dcd6dd',
    )
  })

  it('is the same for both clip shapes', () => {
    const { details, ...rest } = record
    expect(rowsOf({ ...rest, chunk_details: details.clips }).revision.content_digest).toBe(
      rowsOf(record).revision.content_digest,
    )
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
    const digests = [record, ...variants].map((variant) => rowsOf(variant).revision.content_digest)
    expect(new Set(digests).size).toBe(digests.length)
  })

  it('takes key order from RFC 8785: by UTF-16 code unit', () => {
    expect(contentDigest({ '\u{1F600}': 1, '\uFB33': 2 })).toBe(
      contentDigest({ '\uFB33': 2, '\u{1F600}': 1 }),
    )
  })
})
