import type { Kysely } from 'kysely'
import { createView, dropView } from './with-comments.ts'
import { CLASSIFICATION_COLUMNS } from './reporting-classification-columns.ts'

export async function up(db: Kysely<unknown>): Promise<void> {
  await createView(db, 'classifications', {
    about:
      'What identifAI says of each submission. Count by effective_classification: a machine verdict that somebody forced otherwise does not count, and where there is nothing to count it is null. machine_confidence is the confidence in the label of the machine, never in a forced one.',
    grain: 'identifier with an answer',
    columns: CLASSIFICATION_COLUMNS,
    // What is not asked for costs nothing: joins on a key are left out by the planner. Most contents never
    // change, so what only later revisions can tell is looked up for those that did.
    query: `
      select
        c.classification_id, i.identifier, c.ref_id, c.name, c.file_hash, c.result_url,
        r.status, c.errors, c.api_version,
        r.machine_classification, r.machine_confidence, r.machine_heuristic,
        c.force_classification,
        c.force_classification is not null and r.status <> 'new',
        case when r.status <> 'new' then coalesce(c.force_classification, r.machine_classification) end,
        case when r.status = 'new' then null
          when c.force_classification is not null then 'forced'
          when r.machine_classification is not null then 'machine' end,
        case when r.status <> 'new' then c.force_classification <> r.machine_classification end,
        c.clip_count, c.judged_clip_count, c.artificial_clip_count,
        c.artificial_clip_count::double precision / nullif(c.judged_clip_count, 0), c.model_count,
        first.observed_at,
        case when c.revision_no = 1 then case when r.status = 'done' then r.observed_at end
          else (select min(d.observed_at) from identifai.classification_revisions as d
            where d.classification_id = c.classification_id and d.status = 'done') end,
        case when c.revision_no > 1 then (
          select max(h.observed_at) from (
            select observed_at, coalesce(force_classification, machine_classification) as label,
              lag(coalesce(force_classification, machine_classification)) over (order by revision_no) as former,
              row_number() over (order by revision_no) as answer_no
            from identifai.classification_revisions
            where classification_id = c.classification_id and status <> 'new'
          ) as h
          where h.answer_no > 1 and h.label is distinct from h.former) end,
        i.last_confirmed_at, i.state, i.media, i.submitted_at, i.source,
        (i.submitted_at at time zone 'UTC')::date
      from identifai.classifications as c
      left join identifai.identifiers as i on i.id = c.classification_id
      left join identifai.classification_revisions as r
        on r.classification_id = c.classification_id and r.revision_no = c.revision_no
      left join identifai.classification_revisions as first
        on first.classification_id = c.classification_id and first.revision_no = 1`,
  })
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await dropView(db, 'classifications')
}
