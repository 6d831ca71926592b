import type { Kysely } from 'kysely'
import { createView, dropView } from './with-comments.ts'
import { IDENTIFICATION, SUBMISSION } from './reporting-columns.ts'

export async function up(db: Kysely<unknown>): Promise<void> {
  await createView(db, 'review_worklist', {
    about:
      'Classifications that are worth a look by a person, with the reasons in words. Order by rank. What has no reason is not here: a forced one leaves the list when a note says why, and what the machine said of it is no reason any more.',
    grain: 'classification with at least one reason',
    columns: {
      ...IDENTIFICATION,
      rank: {
        is: '1 is to be looked at first: 1 forced without a note against a machine that was sure (0.9 or more); 2 forced without a note, or human with artificial clips; 3 heuristics disagree, or the machine was not sure (below 0.7); 4 the analysis failed, or gave no verdict.',
      },
      reasons: { is: 'All reasons, the most urgent first, separated by semicolons.' },
      reason_codes: {
        is: 'The same for filters, separated by spaces: against_sure_machine, no_note, artificial_clips, heuristics_disagree, not_sure, failed, no_verdict.',
      },
      effective_classification: {
        is: 'The label that counts.',
        null: 'neither forced nor judged',
      },
      verdict_source: { is: 'forced or machine.', null: 'there is no label that counts' },
      machine_classification: { is: 'The label of the machine.', null: 'the machine gave no verdict' },
      machine_confidence: { is: 'How sure the machine was of its own label, 0 to 1.', null: 'not told' },
      file_hash: {
        is: 'SHA-256 of the audio file.',
        joins: 'force_decisions.file_hash',
        null: 'not returned',
      },
      ref_id: { is: "The submitter's own label.", null: 'none was given' },
      name: { is: 'Name of the audio file.', null: 'none was given' },
      result_url: { is: 'Link to the result on the dashboard.', null: 'none was given' },
      ...SUBMISSION,
    },
    query: `
      select
        c.classification_id, c.identifier,
        case when reason.against_sure is not null then 1
          when reason.without_note is not null or reason.artificial_clips is not null then 2
          when reason.heuristics is not null or reason.not_sure is not null then 3 else 4 end,
        concat_ws('; ', reason.against_sure, reason.without_note, reason.artificial_clips, reason.heuristics,
          reason.not_sure, reason.failed, reason.no_verdict),
        concat_ws(' ', case when reason.against_sure is not null then 'against_sure_machine' end,
          case when reason.without_note is not null then 'no_note' end,
          case when reason.artificial_clips is not null then 'artificial_clips' end,
          case when reason.heuristics is not null then 'heuristics_disagree' end,
          case when reason.not_sure is not null then 'not_sure' end,
          case when reason.failed is not null then 'failed' end,
          case when reason.no_verdict is not null then 'no_verdict' end),
        c.effective_classification, c.verdict_source, c.machine_classification, c.machine_confidence,
        c.file_hash, c.ref_id, c.name, c.result_url, c.media, c.submitted_at, c.source
      from identifai_reporting.classifications as c
      cross join lateral (
        select count(*) as n, count(*) filter (where v.classification <> c.machine_classification) as others
        from identifai.verdicts as v
        where v.classification_id = c.classification_id and v.clip_no is null and not v.is_repeated and not c.is_forced
          and v.kind = 'heuristic' and v.heuristic is distinct from c.machine_heuristic
          and v.classification is not null and c.machine_classification is not null
      ) as heuristic
      cross join lateral (
        select case when c.is_forced and (
            select f.notes from identifai_reporting.forced_classifications as f
            where f.classification_id = c.classification_id) = 0
          then c.force_classification end as label
      ) as unexplained
      cross join lateral (
        select
          case when unexplained.label is not null and c.contradicts_machine and c.machine_confidence >= 0.9 then
            format('forced to %s, though the machine was sure of %s (%s)', c.force_classification,
              c.machine_classification, round(c.machine_confidence::numeric, 2)) end as against_sure,
          'forced to ' || unexplained.label || ', and no note says why' as without_note,
          case when c.verdict_source = 'machine' and c.effective_classification = 'human'
              and c.artificial_clip_count > 0
            then format('counts as human, but %s of its %s clips with a label sound artificial',
              c.artificial_clip_count, c.judged_clip_count) end as artificial_clips,
          case when heuristic.others > 0 then format('%s of %s other heuristics give another label',
            heuristic.others, heuristic.n) end as heuristics,
          case when c.verdict_source = 'machine' and c.machine_confidence < 0.7
            then format('the machine was not sure (%s)', round(c.machine_confidence::numeric, 2)) end as not_sure,
          case when c.status = 'errored' then 'the analysis failed' || coalesce(': ' || c.errors, '') end as failed,
          case when c.status = 'done' and c.effective_classification is null then 'done, but without a verdict' end
            as no_verdict
      ) as reason
      where c.status <> 'new' and coalesce(reason.against_sure, reason.without_note, reason.artificial_clips,
        reason.heuristics, reason.not_sure, reason.failed, reason.no_verdict) is not null`,
  })
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await dropView(db, 'review_worklist')
}
