import type { AudioModelResult } from './contract.ts'
import type { ModelResultRow } from '../../platform/postgres/tables/model-results.ts'

type ScoresByLabel = Pick<ModelResultRow, 'human_score' | 'artificial_score' | 'top_label' | 'top_score'>

/**
 * What the scores of one result amount to. They are found by label, wherever it stands in the list; of a label that is
 * repeated the highest counts, and of equal scores the first. A model that abstained says nothing, whatever its scores.
 */
export function scoresByLabel({ unknown, classification = [] }: AudioModelResult): ScoresByLabel {
  const found: ScoresByLabel = { human_score: null, artificial_score: null, top_label: null, top_score: null }
  if (unknown === true) return found
  for (const { label, score } of classification) {
    if (score === undefined) continue
    if (label === 'human') found.human_score = Math.max(score, found.human_score ?? score)
    if (label === 'artificial') found.artificial_score = Math.max(score, found.artificial_score ?? score)
    if (found.top_score === null || score > found.top_score) {
      found.top_label = label ?? null
      found.top_score = score
    }
  }
  return found
}
