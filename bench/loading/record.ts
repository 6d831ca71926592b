/** What a record of the benchmark has: clips, each judged by every model. */
export interface Shape {
  readonly name: string
  readonly clips: number
}

/** About 140 rows each; and as many more as a recording of ten minutes has. */
export const SHAPES = { short: { name: '8 clips', clips: 8 }, long: { name: '60 clips', clips: 60 } } as const

const MODELS = ['Phantom', 'Sentinel', 'Whisper']
const HEURISTICS = ['Majority', 'Mean', 'Max']

/** As many records as there are variants; what differs between two identifiers of a variant is the identifier and its file. */
export function recordOf(identifier: string, variant: number, shape: Shape): object {
  // Digits as a detector has them, the same in every run.
  const score = (n: number) => (((variant + 1) * 7919 + n * 104_729) % 1_000_003) / 1_000_003
  const result = (n: number, model: string) => ({
    model,
    unknown: false,
    elapsed_time: 1 + score(n + 1),
    classification: [
      { label: 'human', score: score(n) },
      { label: 'artificial', score: 1 - score(n) },
    ],
  })
  const verdict = (n: number, heuristic: string) => ({
    heuristic,
    confidence: score(n),
    classification: score(n) < 0.5 ? 'human' : 'artificial',
    models: MODELS,
  })
  const resultsAt = (n: number) => MODELS.map((model, position) => result(n + 10 * position, model))
  return {
    hash: identifier.split('').toReversed().join(''),
    identifier,
    api_version: 'v1.1.0',
    status: 'done',
    name: `call ${variant}.wav`,
    ref_id: `ref-${variant}`,
    result_url: `https://results.example/${variant}`,
    verdict: verdict(1, 'Majority'),
    verdicts: HEURISTICS.map((heuristic, position) => verdict(2 + position, heuristic)),
    results: resultsAt(100),
    details: {
      clips: Array.from({ length: shape.clips }, (_, index) => ({
        index,
        start: index * 4,
        end: index * 4 + 4,
        results: resultsAt(200 + 100 * index),
        verdict: verdict(1000 + index, 'Majority'),
      })),
    },
  }
}
