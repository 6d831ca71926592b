import { describe, expect, it } from 'vitest'
import { audioEndpoint } from '../../../src/media/audio/endpoint.ts'
import type { JsonObject } from '../../../src/platform/json.ts'
import {
  causesOfChange,
  causesOfFirst,
  type ComparedContent,
  type ContentBefore,
} from '../../../src/media/causes-of-change.ts'

const causesOf = (former: ContentBefore, next: ComparedContent) =>
  causesOfChange(former, next, audioEndpoint.parts)

const base = {
  identifier: 'a',
  hash: 'h',
  name: 'n',
  status: 'done',
  api_version: '1.4.2',
  verdict: { heuristic: 'Majority', confidence: 0.9, classification: 'artificial', models: ['x'] },
  verdicts: [{ heuristic: 'Majority', confidence: 0.9, classification: 'artificial', models: ['x'] }],
  results: [{ model: 'x', unknown: false, classification: [{ label: 'human', score: 0.1 }] }],
  details: { clips: [{ index: 0 }] },
}

function seen(record: JsonObject): ComparedContent {
  const force = record.force_classification
  return {
    status: (record.status ?? (record.verdict ? 'done' : 'new')) as ComparedContent['status'],
    force_classification: typeof force === 'string' ? force : null,
    canonical: audioEndpoint.canonicalize(record),
  }
}

function before(
  latest: JsonObject,
  finished: JsonObject | null = latest,
  disappeared = false,
): ContentBefore {
  return { latest: seen(latest), finished: finished && seen(finished), disappeared }
}

describe('the causes of a change', () => {
  it('of the first record', () => {
    expect(causesOfFirst({ status: 'new', force_classification: null })).toEqual(['first_seen'])
    expect(causesOfFirst({ status: 'done', force_classification: 'human' })).toEqual([
      'first_seen',
      'already_forced',
    ])
    expect(causesOfFirst({ status: 'new', force_classification: 'human' })).toEqual(['first_seen'])
  })

  it.each<[string, JsonObject, string[]]>([
    ['forced', { force_classification: 'human' }, ['forced']],
    [
      'another main heuristic',
      { verdict: { ...base.verdict, heuristic: 'Average' } },
      ['heuristic_switched'],
    ],
    ['another confidence', { verdict: { ...base.verdict, confidence: 0.8 } }, ['verdict_changed']],
    ['another label', { verdict: { ...base.verdict, classification: 'human' } }, ['verdict_changed']],
    [
      'another heuristic verdict',
      { verdicts: [{ ...base.verdicts[0], confidence: 0.8 }] },
      ['verdict_changed'],
    ],
    ...(['heuristic', 'classification'] as const).map((member): [string, JsonObject, string[]] => [
      `another ${member} of a heuristic verdict`,
      { verdicts: [{ ...base.verdicts[0], [member]: 'other' }] },
      ['verdict_changed'],
    ]),
    [
      'other models of a heuristic verdict',
      { verdicts: [{ ...base.verdicts[0], models: ['y'] }] },
      ['models_changed'],
    ],
    ['the result of another model', { results: [{ ...base.results[0], model: 'y' }] }, ['models_changed']],
    ['another model in a verdict', { verdict: { ...base.verdict, models: ['x', 'y'] } }, ['models_changed']],
    [
      'another score',
      { results: [{ ...base.results[0], classification: [{ label: 'human', score: 0.2 }] }] },
      ['scores_changed'],
    ],
    [
      'another label of a score',
      { results: [{ ...base.results[0], classification: [{ label: 'artificial', score: 0.1 }] }] },
      ['scores_changed'],
    ],
    ['another time', { results: [{ ...base.results[0], elapsed_time: 2 }] }, ['scores_changed']],
    ['an abstention', { results: [{ ...base.results[0], unknown: true }] }, ['scores_changed']],
    ['another API version', { api_version: '2.0.0' }, ['api_version_changed']],
    ['another clip', { details: { clips: [{ index: 1 }] } }, ['details_changed']],
    [
      'another clip and name',
      { name: 'm', details: { clips: [{ index: 1 }] } },
      ['details_changed', 'metadata_changed'],
    ],
    [
      'other model details',
      { results: [{ ...base.results[0], classification_details: { a: 1 } }] },
      ['details_changed'],
    ],
    [
      'other model details and another name',
      { name: 'm', results: [{ ...base.results[0], classification_details: { a: 1 } }] },
      ['details_changed', 'metadata_changed'],
    ],
    ['another hash', { hash: 'g' }, ['hash_changed']],
    ['other errors', { errors: 'x' }, ['errors_changed']],
    ['another name', { name: 'm' }, ['metadata_changed']],
    ['another reference', { ref_id: 'r' }, ['metadata_changed']],
    ['a new unknown field', { extra: 1 }, ['extra_changed']],
    ['a new unknown field in a verdict', { verdict: { ...base.verdict, extra: 1 } }, ['extra_changed']],
    [
      'a new unknown field in a heuristic verdict',
      { verdicts: [{ ...base.verdicts[0], extra: 1 }] },
      ['extra_changed'],
    ],
    ['a new unknown field in a result', { results: [{ ...base.results[0], extra: 1 }] }, ['extra_changed']],
    [
      'a new unknown field in a score',
      { results: [{ ...base.results[0], classification: [{ label: 'human', score: 0.1, extra: 1 }] }] },
      ['extra_changed'],
    ],
    [
      'a new unknown field in the details',
      { details: { ...base.details, sample_rate: 8000 } },
      ['extra_changed'],
    ],
    ['from done to errored', { status: 'errored' }, ['status_changed']],
    ['a status where there was none', { ...base, status: null }, ['status_changed']],
  ])('%s', (_, change, causes) => {
    expect(causesOf(before(base), seen({ ...base, ...change }))).toEqual(causes)
  })

  it('of a removed and of a changed force', () => {
    const forced = { ...base, force_classification: 'human' }
    expect(causesOf(before(forced), seen(base))).toEqual(['unforced'])
    expect(causesOf(before(forced), seen({ ...base, force_classification: 'artificial' }))).toEqual([
      'force_changed',
    ])
  })

  it('of an analysis that ends include already_forced only if it is forced', () => {
    const unfinished = { identifier: 'a', status: 'new' }
    expect(causesOf(before(unfinished, null), seen(base))).toEqual(['status_changed'])
    expect(causesOf(before(unfinished, null), seen({ ...base, force_classification: 'human' }))).toEqual([
      'status_changed',
      'already_forced',
    ])
  })

  it('compares force and analysis across a re-analysis with the finished record before it', () => {
    const again = { identifier: 'a', status: 'new' }
    expect(causesOf(before(base), seen(again))).toEqual(['status_changed'])
    expect(causesOf(before(again, base), seen(base))).toEqual(['status_changed'])
    expect(causesOf(before(again, base), seen({ ...base, force_classification: 'human' }))).toEqual([
      'status_changed',
      'forced',
    ])
    expect(causesOf(before(again, base), seen({ ...again, force_classification: 'human' }))).toEqual([
      'metadata_changed',
    ])
  })

  it('of an analysis that goes on are those of its content', () => {
    const unfinished = { identifier: 'a', status: 'new' }
    expect(causesOf(before(unfinished, null), seen({ ...unfinished, api_version: '2.0.0' }))).toEqual([
      'api_version_changed',
    ])
  })

  it('without a payload on one side, and outside of all parts, are the details', () => {
    const pruned = { ...seen(base), canonical: null }
    const next = { ...base, api_version: '2.0.0' }
    for (const [former, present] of [
      [pruned, seen(next)],
      [seen(base), { ...seen(next), canonical: null }],
      [pruned, pruned],
    ] as const)
      expect(causesOf({ latest: former, finished: former, disappeared: false }, present)).toEqual([
        'details_changed',
      ])
    expect(
      causesOf(
        { latest: pruned, finished: pruned, disappeared: false },
        seen({ ...next, force_classification: 'human' }),
      ),
    ).toEqual(['forced', 'details_changed'])
    expect(causesOfChange(before(base), seen(next), {})).toEqual(['details_changed'])
  })

  it('of a return after a disappearance', () => {
    expect(causesOf(before(base, base, true), seen(base))).toEqual(['reappeared'])
    expect(causesOf(before(base, base, true), seen({ ...base, force_classification: 'human' }))).toEqual([
      'reappeared',
      'forced',
    ])
  })
})
