import { type Kysely, sql } from 'kysely'
import { createView, dropView, type ViewColumn } from './with-comments.ts'
import { IDENTIFICATION, SUBMISSION_AS_IT_STOOD } from './reporting-columns.ts'

/** Every cause that a revision can have, with what it says. */
const CAUSES = {
  first_seen: 'the first answer that had it',
  status_changed: 'it finished, or is analyzed again',
  forced: 'it was seen to be forced, and was not in the finished answer before',
  force_changed: 'it was forced to another label',
  unforced: 'its force was taken away',
  already_forced: 'it was forced already in its first finished answer: nobody saw when',
  heuristic_switched: 'the main verdict is by another heuristic',
  verdict_changed: 'a verdict of the machine changed',
  models_changed: 'other models were used',
  scores_changed: 'a score changed',
  api_version_changed: 'it was analyzed by another API version',
  details_changed: 'its clips changed',
  hash_changed: 'it has another file hash',
  errors_changed: 'what went wrong changed',
  metadata_changed: 'its name or ref_id changed, or the force of an unfinished record',
  extra_changed: 'a field changed that we do not know',
  disappeared: 'the API stopped returning it',
  reappeared: 'the API returns it again',
} as const

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createIndex('classification_revisions_submitted_idx')
    .on('identifai.classification_revisions')
    .column('submitted_at')
    .where(sql.ref('submitted_at'), 'is not', null)
    .execute()
  const causes = Object.entries(CAUSES).map(([cause, text]): [string, ViewColumn] => [
    cause,
    { is: `Whether this revision is there because ${text}.` },
  ])
  await createView(db, 'classification_history', {
    about:
      "Every content that we saw of each classification, with the time it stood here. What classifications said at a moment T: valid_from <= T and (valid_to > T or valid_to is null); without a moment, contents are counted, not classifications. Times are those of our answers, not of identifAI's changes; force_events bounds these.",
    grain: 'classification and content that we saw of it',
    columns: {
      ...IDENTIFICATION,
      revision_no: { is: 'Counts the contents of one classification, from 1.' },
      valid_from: { is: 'When we first received this content.' },
      valid_to: { is: 'When we received the next one.', null: 'it still stands' },
      is_current: { is: 'Whether it still stands: classifications shows it.' },
      status: {
        is: 'new, done or errored. While a finished one is analyzed again, its last result stands here, as it does in classifications.',
      },
      is_reanalyzing: { is: 'Whether the API was analyzing it again, so that the last result stands here.' },
      effective_classification: {
        is: "The label that counted: the forced one, else the machine's.",
        null: 'not finished, or neither forced nor judged',
      },
      machine_classification: { is: 'The label of the machine, whatever was forced.', null: 'none' },
      machine_confidence: { is: 'How sure the machine was of its own label, 0 to 1.', null: 'not told' },
      machine_heuristic: { is: 'The heuristic of the main verdict.', null: 'not told' },
      force_classification: { is: 'The label that was forced.', null: 'not forced' },
      file_hash: {
        is: 'SHA-256 of the audio file.',
        joins: 'force_decisions.file_hash',
        null: 'not returned',
      },
      ref_id: { is: "The submitter's own label.", null: 'none was given' },
      name: { is: 'Name of the audio file.', null: 'none was given' },
      ...Object.fromEntries(causes),
      ...SUBMISSION_AS_IT_STOOD,
    },
    // An unfinished answer after a finished one replaces nothing: what had finished before it stands.
    query: `
      select
        r.classification_id, i.identifier, r.revision_no, r.observed_at, next.observed_at, next.revision_no is null,
        coalesce(kept.status, r.status), kept.status is not null,
        case when kept.status is not null then coalesce(kept.force_classification, kept.machine_classification)
          when r.status <> 'new' then coalesce(r.force_classification, r.machine_classification) end,
        case when kept.status is null then r.machine_classification else kept.machine_classification end,
        case when kept.status is null then r.machine_confidence else kept.machine_confidence end,
        case when kept.status is null then r.machine_heuristic else kept.machine_heuristic end,
        case when kept.status is null then r.force_classification else kept.force_classification end,
        case when kept.status is null then r.file_hash else kept.file_hash end,
        case when kept.status is null then r.ref_id else kept.ref_id end,
        case when kept.status is null then r.name else kept.name end,
        ${Object.keys(CAUSES)
          .map((cause) => `'${cause}' = any(r.causes)`)
          .join(', ')},
        i.media, r.submitted_at, r.source
      from identifai.classification_revisions as r
      left join identifai.identifiers as i on i.id = r.classification_id
      left join identifai.classification_revisions as next
        on next.classification_id = r.classification_id and next.revision_no = r.revision_no + 1
      left join lateral (
        select f.status, f.force_classification, f.machine_classification, f.machine_confidence, f.machine_heuristic,
          f.file_hash, f.ref_id, f.name
        from identifai.classification_revisions as f
        where r.status = 'new' and f.classification_id = r.classification_id and f.revision_no < r.revision_no
          and f.status <> 'new'
        order by f.revision_no desc limit 1
      ) as kept on true`,
  })
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await dropView(db, 'classification_history')
  await sql`drop index identifai.classification_revisions_submitted_idx`.execute(db)
}
