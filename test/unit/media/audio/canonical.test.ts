import { describe, expect, it } from 'vitest'
import { audioEndpoint } from '../../../../src/media/audio/endpoint.ts'
import type { JsonObject } from '../../../../src/platform/json.ts'

const canonical = (record: JsonObject) => {
  const { identifier: _, ...rest } = audioEndpoint.canonicalize({ identifier: 'a', ...record })
  return rest
}

/** Each list in its canonical order, which would be another one by the JSON text of the elements. */
const IN_ORDER: readonly [string, JsonObject][] = [
  [
    'verdicts by their heuristic',
    {
      verdicts: [
        { heuristic: 'A', classification: 'human' },
        { heuristic: 'B', classification: 'artificial' },
      ],
    },
  ],
  ['clips by the number of their index', { details: { clips: [{ index: 9 }, { index: 10 }] } }],
  [
    'clips with the same index by the number of their start',
    {
      details: {
        clips: [
          { index: 1, start: 9 },
          { index: 1, start: 10 },
        ],
      },
    },
  ],
  [
    'clips with the same start by the number of their end',
    {
      details: {
        clips: [
          { index: 1, start: 2, end: 9 },
          { index: 1, start: 2, end: 10 },
        ],
      },
    },
  ],
  [
    'clips without an index first',
    {
      details: {
        clips: [
          { start: 2, verdict: { classification: 'human' } },
          { end: 1, index: 1 },
        ],
      },
    },
  ],
  [
    'model results by their model',
    {
      results: [
        { model: 'a', elapsed_time: 9 },
        { model: 'b', elapsed_time: 10 },
        { model: 'c', elapsed_time: 1 },
      ],
    },
  ],
  [
    'scores by their label',
    {
      results: [
        {
          classification: [
            { label: 'artificial', a: 2 },
            { label: 'human', a: 1 },
          ],
        },
      ],
    },
  ],
  [
    'what a clip holds, too',
    {
      details: {
        clips: [
          {
            verdict: { models: ['a', 'b', 'c'] },
            results: [
              { model: 'a', elapsed_time: 2 },
              { model: 'b', elapsed_time: 1 },
            ],
          },
        ],
      },
    },
  ],
]

describe('the canonical content', () => {
  it.each(IN_ORDER)('has %s', (_, record) => {
    expect(canonical(record)).toStrictEqual(record)
    expect(canonical(reversed(record) as JsonObject)).toStrictEqual(record)
  })

  it('has details without clips, and clips without details', () => {
    const details = { sample_rate: 8000 }
    const clips = [{ index: 1 }]
    expect(canonical({ details })).toStrictEqual({ details })
    expect(canonical({ chunk_details: clips })).toStrictEqual({ details: { clips } })
    expect(canonical({ details, chunk_details: clips })).toStrictEqual({ details: { ...details, clips } })
  })

  it('has a second list of clips by their text, and anything else in its place as it is', () => {
    const details = { clips: [{ index: 1 }] }
    const second = [{ index: 10 }, { index: 9 }]
    for (const chunk_details of [second, second.toReversed()])
      expect(canonical({ details, chunk_details })).toStrictEqual({ details, chunk_details: second })
    expect(canonical({ details, chunk_details: 'none' })).toStrictEqual({ details, chunk_details: 'none' })
  })
})

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed).toReversed()
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, reversed(member)]))
}
