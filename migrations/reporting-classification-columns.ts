import type { ViewColumn } from './with-comments.ts'
import { IDENTIFICATION, SUBMISSION } from './reporting-columns.ts'

/** The columns of `classifications`, which `forced_classifications` has, too. */
export const CLASSIFICATION_COLUMNS = {
  classification_id: { is: 'Number of the classification, and of its identifier.' },
  identifier: IDENTIFICATION.identifier,
  ref_id: { is: "The submitter's own label; not unique.", null: 'none was given' },
  name: { is: 'Name of the audio file.', null: 'none was given' },
  file_hash: {
    is: 'SHA-256 of the audio file. One file can have been submitted many times: an override is by file, so it changes all of them. A file can have many decisions, too: forced_classifications has the one that stands.',
    joins: 'force_decisions.file_hash',
    null: 'not returned yet',
  },
  result_url: { is: 'Link to the result on the dashboard.', null: 'none was given' },
  status: {
    is: 'new (being analyzed), done or errored. While a finished one is analyzed again, its last result stands here.',
  },
  errors: { is: 'What went wrong with the analysis.', null: 'nothing did' },
  api_version: { is: 'API version at the time of the analysis.', null: 'not finished, or not told' },
  machine_classification: {
    is: 'The label of the machine, human or artificial as far as documented, whatever was forced: for judging the machine, not for counting.',
    null: 'the machine gave no verdict',
  },
  machine_confidence: {
    is: 'How sure the machine was of its own label, 0 to 1. It says nothing about a forced label.',
    null: 'the machine gave no verdict, or no confidence',
  },
  machine_heuristic: {
    is: "How the machine combined its models for that label: the account's default at the time.",
    null: 'the machine gave no verdict, or did not tell',
  },
  force_classification: { is: 'The label that was forced.', null: 'not forced' },
  is_forced: { is: 'Whether a forced label counts. False while not finished.' },
  effective_classification: {
    is: "The label that counts: the forced one, else the machine's. Count by this one. A force counts for a failed analysis, too.",
    null: 'there is nothing to count: not finished, failed, or done without a verdict; and not forced',
  },
  verdict_source: {
    is: 'Where the label that counts comes from: forced or machine.',
    null: 'there is no label that counts',
  },
  contradicts_machine: {
    is: 'Whether the forced label is another than that of the machine.',
    null: 'not forced, not finished, or the machine gave no label',
  },
  clip_count: { is: 'Clips (segments) that the file was cut into; 0 when there are none.' },
  judged_clip_count: { is: 'Clips that have a label.' },
  artificial_clip_count: { is: 'Clips that the machine calls artificial.' },
  artificial_clip_share: {
    is: 'artificial_clip_count / judged_clip_count, 0 to 1: clips without a label stay out of it.',
    null: 'no clip has a label',
  },
  model_count: {
    is: 'Different models that gave a result on the whole file, those that abstained included.',
  },
  first_observed_at: { is: 'When we first received an answer that had it, finished or not.' },
  first_done_at: { is: 'When we first received it done.', null: 'it was never done' },
  verdict_changed_at: {
    is: 'When we last saw effective_classification change from one finished answer to the next.',
    null: 'it never changed',
  },
  last_confirmed_at: {
    is: 'When the last request left whose answer had it, in order: what stands here was so then.',
    null: 'only replayed, never confirmed',
  },
  state: {
    is: 'What became of the identifier since: done, errored, missing, quarantined, retired, or pending before the first result. A result stays here when its identifier has gone missing or was retired.',
  },
  ...SUBMISSION,
  submitted_day: {
    is: 'The day of submitted_at in UTC, as in model_daily. Tools that make days of submitted_at themselves take those of their own time zone.',
    null: 'nobody told when',
  },
} as const satisfies Record<string, ViewColumn>
