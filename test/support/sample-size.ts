/** The size of a sample: the usual one, or as many times that as `npm run test:soak` sets. */
export function sampleSize(usual: number): number {
  return usual * Number(process.env.SAMPLE_FACTOR ?? 1)
}
