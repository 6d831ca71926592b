const MODELS = ['Phantom', 'Sentinel', 'Whisper']
const HEURISTICS = ['Majority', 'Mean', 'Max']

/**
 * A finished record as the API returns it: a main verdict, one by each of three heuristics, three models and clips. Each
 * clip has a verdict and a result of every model. With eight clips it makes 140 rows.
 */
export function recordOf(
  identifier: string,
  { hash, variant, clips }: { readonly hash: string; readonly variant: number; readonly clips: number },
): object {
  // Scores have as many digits as a detector's, and are the same in every run.
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
  const results = (n: number) => MODELS.map((model, position) => result(n + 10 * position, model))
  return {
    hash,
    identifier,
    api_version: 'v1.1.0',
    status: 'done',
    name: `call ${variant}.wav`,
    ref_id: `ref-${variant}`,
    result_url: `https://results.example/${variant}`,
    verdict: verdict(1, 'Majority'),
    verdicts: HEURISTICS.map((heuristic, position) => verdict(2 + position, heuristic)),
    results: results(100),
    details: {
      clips: Array.from({ length: clips }, (_, index) => ({
        index,
        start: index * 4,
        end: index * 4 + 4,
        results: results(200 + 100 * index),
        verdict: verdict(1000 + index, 'Majority'),
      })),
    },
  }
}
