import type { ViewColumn } from './with-comments.ts'

/** Columns that most views of the reporting schema have, said in the same words everywhere. */
export const IDENTIFICATION = {
  classification_id: {
    is: 'Number of the classification, and of its identifier.',
    joins: 'classifications.classification_id',
  },
  identifier: { is: 'Names one submission, as identifAI returned it. Not the file hash.' },
} as const satisfies Record<string, ViewColumn>

/** Where a submission came from; last in each view that has an identifier. */
export const SUBMISSION = {
  media: { is: 'Kind of medium: audio.' },
  submitted_at: {
    is: 'When the audio was submitted, as told by whoever had it tracked.',
    null: 'nobody told',
  },
  source: {
    is: 'Where the audio came from (channel, system), as told by whoever had it tracked.',
    null: 'nobody told',
  },
} as const satisfies Record<string, ViewColumn>

/** The same in views of history. */
export const SUBMISSION_AS_IT_STOOD = {
  media: SUBMISSION.media,
  submitted_at: {
    is: 'When the audio was submitted, as we had been told by then.',
    null: 'nobody had told',
  },
  source: { is: 'Where the audio came from, as we had been told by then.', null: 'nobody had told' },
} as const satisfies Record<string, ViewColumn>
