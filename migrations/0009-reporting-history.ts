import { type Kysely, sql } from 'kysely'
import { CHANGED, IDENTIFICATION, SUBMISSION } from './0007-reporting-classifications.ts'
import { createView, dropViews } from './with-comments.ts'

/** Every cause of a revision, as the end of a sentence. */
const CAUSES = {
  first_seen: 'it is the first record of the identifier',
  status_changed: 'the analysis finished, or runs again',
  forced: 'its forced label is new, and the finished record before had none',
  force_changed: 'it is forced to another label',
  unforced: 'its force was removed',
  already_forced: 'it was forced in its first finished record, so the change was not observed',
  heuristic_switched: 'the main verdict is by another heuristic',
  verdict_changed: "one of the machine's verdicts changed",
  models_changed: 'other models were used',
  scores_changed: 'a score changed',
  api_version_changed: 'another API version analyzed it',
  details_changed: 'its clips changed',
  hash_changed: 'it has another file hash',
  errors_changed: 'its errors changed',
  metadata_changed: 'its name or ref_id changed, or the forced label of an unfinished record',
  extra_changed: 'a field that is not in the contract changed',
  disappeared: 'the API stopped returning it',
  reappeared: 'the API returns it again',
} as const

/** The last columns of each view of history. */
export const SUBMISSION_THEN = {
  media: SUBMISSION.media,
  submitted_at: 'Time at which the audio was submitted, as known at that time. Null: not given by then.',
  source: 'Origin of the audio (channel, system), as known at that time. Null: not given by then.',
} as const

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createIndex('classification_revisions_submitted_idx')
    .on('identifai.classification_revisions')
    .column('submitted_at')
    .where(sql.ref('submitted_at'), 'is not', null)
    .execute()
  await createView(db, 'classification_history', {
    comment:
      "Every observed content of each classification, with the time in which the views showed it. State of classifications at a moment T: valid_from <= T and (valid_to > T or valid_to is null). Without this condition you count contents, not classifications. Times are those of responses, not of identifAI's changes; force_events has the bounds of these. One row per classification and observed content.",
    columns: {
      ...IDENTIFICATION,
      revision_no: 'Number of the content within the classification, from 1.',
      valid_from: 'Time at which this content was first received.',
      valid_to: 'Time at which the next content was received. Null: it is the current content.',
      is_current: 'True for the current content, which classifications shows.',
      status:
        'new, done or errored. While a finished one is analyzed again, this row shows its last result, as classifications does.',
      is_reanalyzing: 'True when the API analyzed it again, so that this row shows the last result.',
      effective_classification:
        "The label that counted: the forced one, else the machine's. Null: not finished, or neither forced nor judged.",
      machine_classification: "The machine's label, whether forced or not. Null: no label.",
      machine_confidence: "The machine's confidence in its own label, 0 to 1. Null: not returned.",
      machine_heuristic: 'The heuristic of the main verdict. Null: not returned.',
      force_classification: 'The forced label. Null: not forced.',
      file_hash: 'SHA-256 of the audio file. Null: not returned.',
      ref_id: "The submitter's own label. Null: not given.",
      name: 'Name of the audio file. Null: not given.',
      ...Object.fromEntries(Object.entries(CAUSES).map(([cause, reason]) => [cause, `True when ${reason}.`])),
      ...SUBMISSION_THEN,
      ...CHANGED,
    },
    // An unfinished record does not replace a finished one: the view shows the last finished content with it. A cluster refuses
    // a condition on that column if it makes the join an inner one, which IS NOT NULL would.
    query: `
      select
        r.classification_id, i.identifier, r.revision_no, r.observed_at, next.observed_at, next.revision_no is null,
        coalesce(kept.status, r.status), coalesce(kept.revision_no, 0) > 0,
        case when kept.status is not null then coalesce(kept.force_classification, kept.machine_classification)
          when r.status <> 'new' then coalesce(r.force_classification, r.machine_classification) end,
        case when kept.status is null then r.machine_classification else kept.machine_classification end,
        case when kept.status is null then r.machine_confidence else kept.machine_confidence end,
        case when kept.status is null then r.machine_heuristic else kept.machine_heuristic end,
        case when kept.status is null then r.force_classification else kept.force_classification end,
        case when kept.status is null then r.file_hash else kept.file_hash end,
        shown.ref_id,
        shown.name,
        ${Object.keys(CAUSES)
          .map((cause) => `'${cause}' = any(r.causes)`)
          .join(', ')},
        i.media, r.submitted_at, own.source, i.changed_at
      from identifai.classification_revisions as r
      left join identifai.identifiers as i on i.id = r.classification_id
      left join identifai.classification_revisions as next
        on next.classification_id = r.classification_id and next.revision_no = r.revision_no + 1
      left join lateral (
        select f.revision_no, f.status, f.force_classification, f.machine_classification, f.machine_confidence,
          f.machine_heuristic, f.file_hash
        from identifai.classification_revisions as f
        where r.status = 'new' and f.classification_id = r.classification_id and f.revision_no < r.revision_no
          and f.status <> 'new'
        order by f.revision_no desc limit 1
      ) as kept on true
      left join identifai.personal_values as shown
        on shown.classification_id = r.classification_id and shown.revision_no = coalesce(kept.revision_no, r.revision_no)
      left join identifai.personal_values as own
        on own.classification_id = r.classification_id and own.revision_no = r.revision_no`,
  })
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await dropViews(db, 'classification_history')
  await sql`drop index identifai.classification_revisions_submitted_idx`.execute(db)
}
