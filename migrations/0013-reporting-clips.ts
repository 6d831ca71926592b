import type { Kysely } from 'kysely'
import { createView, dropView } from './with-comments.ts'
import { IDENTIFICATION, SUBMISSION } from './reporting-columns.ts'

export async function up(db: Kysely<unknown>): Promise<void> {
  await createClips(db)
  await createArtificialSpans(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await dropView(db, 'artificial_spans')
  await dropView(db, 'clips')
}

async function createClips(db: Kysely<unknown>): Promise<void> {
  await createView(db, 'clips', {
    about: 'The clips (segments) of each file, with what the machine says of each.',
    grain: 'clip of a classification',
    columns: {
      ...IDENTIFICATION,
      clip_no: { is: 'Our number of the clip in the answer, from 0.' },
      clip_key: {
        is: 'classification_id and clip_no in one, for tools that relate tables by one column.',
        joins: 'clip_model_results.clip_key',
      },
      clip_index: { is: 'The index that identifAI gives it; not unique for certain.', null: 'not told' },
      clip_start: { is: 'Where it starts; the API states no unit.', null: 'not told' },
      clip_end: { is: 'Where it ends; the API states no unit.', null: 'not told' },
      classification: { is: 'The label of the machine for this clip.', null: 'the clip has no label' },
      confidence: { is: 'How sure the machine is of that label, 0 to 1.', null: 'not told' },
      disagrees_with_machine: {
        is: 'Whether the clip has another label than the main verdict on its file.',
        null: 'one of the two has no label',
      },
      disagrees_with_effective: {
        is: 'Whether the clip has another label than the one that counts for its file.',
        null: 'the clip, or the file, has no label',
      },
      ...SUBMISSION,
    },
    query: `
      select
        k.classification_id, i.identifier, k.clip_no, k.classification_id || '/' || k.clip_no,
        k.clip_index, k.clip_start, k.clip_end,
        k.classification, k.confidence,
        k.classification <> r.machine_classification,
        case when r.status <> 'new' then
          k.classification <> coalesce(c.force_classification, r.machine_classification) end,
        i.media, i.submitted_at, i.source
      from identifai.classifications as c
      left join identifai.identifiers as i on i.id = c.classification_id
      left join identifai.classification_revisions as r
        on r.classification_id = c.classification_id and r.revision_no = c.revision_no
      join identifai.clips as k on k.classification_id = c.classification_id`,
  })
}

async function createArtificialSpans(db: Kysely<unknown>): Promise<void> {
  await createView(db, 'artificial_spans', {
    about:
      'Where in a file the machine hears something artificial: the artificial clips, put together where they touch or overlap. Clips of other labels play no part, not even where they overlap; a clip that is repeated counts once; one whose ends are swapped is read the right way round; one without a start or an end is left out.',
    grain: 'stretch of a file that artificial clips cover without a gap',
    columns: {
      ...IDENTIFICATION,
      span_start: { is: 'Where it starts; the API states no unit.' },
      span_end: { is: 'Where it ends.' },
      clip_count: { is: 'Clips that were put together; the same stretch given twice counts once.' },
      max_confidence: { is: 'The highest confidence among them.', null: 'none of them has one' },
      ...SUBMISSION,
    },
    // Gaps and islands: a span begins where a clip starts beyond every end before it. All that identifies the file is in
    // every window, so that a condition on it is applied before anything is sorted.
    query: `
      select classification_id, identifier, min(clip_start), max(clip_end), count(*)::integer, max(confidence),
        media, submitted_at, source
      from (
        select marked.*, count(*) filter (where begins) over (
          partition by classification_id, identifier, media, submitted_at, source
          order by clip_start, clip_end) as span_no
        from (
          select placed.*, clip_start > coalesce(max(clip_end) over (
            partition by classification_id, identifier, media, submitted_at, source
            order by clip_start, clip_end rows between unbounded preceding and 1 preceding), '-infinity') as begins
          from (
            select k.classification_id, i.identifier, least(k.clip_start, k.clip_end) as clip_start,
              greatest(k.clip_start, k.clip_end) as clip_end, max(k.confidence) as confidence,
              i.media, i.submitted_at, i.source
            from identifai.clips as k
            left join identifai.identifiers as i on i.id = k.classification_id
            where k.classification = 'artificial' and k.clip_start is not null and k.clip_end is not null
            group by k.classification_id, i.identifier, i.media, i.submitted_at, i.source,
              least(k.clip_start, k.clip_end), greatest(k.clip_start, k.clip_end)
          ) as placed
        ) as marked
      ) as numbered
      group by classification_id, identifier, media, submitted_at, source, span_no`,
  })
}
