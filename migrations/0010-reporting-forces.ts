import { type Kysely, sql } from 'kysely'
import { createView, dropView } from './with-comments.ts'
import { CLASSIFICATION_COLUMNS } from './reporting-classification-columns.ts'
import { IDENTIFICATION, SUBMISSION_AS_IT_STOOD } from './reporting-columns.ts'

export async function up(db: Kysely<unknown>): Promise<void> {
  await createDecisionAggregate(db)
  // Forced classifications are few.
  await db.schema
    .createIndex('classifications_forced_idx')
    .on('identifai.classifications')
    .column('classification_id')
    .where(sql.ref('force_classification'), 'is not', null)
    .execute()
  // So are events, and those about one file are looked up for each other.
  await sql`create index classification_revisions_force_file_idx on identifai.classification_revisions (file_hash)
    where causes && array['forced', 'force_changed', 'unforced', 'already_forced']`.execute(db)
  await createForceEvents(db)
  await createForceDecisions(db)
  await createOverrideNotes(db)
  await createForcedClassifications(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  for (const view of ['forced_classifications', 'override_notes', 'force_decisions', 'force_events']) {
    await dropView(db, view)
  }
  await sql`drop index identifai.classification_revisions_force_file_idx`.execute(db)
  await sql`drop index identifai.classifications_forced_idx`.execute(db)
  await sql`drop aggregate identifai.decision_of (timestamptz, timestamptz)`.execute(db)
  await sql`drop function identifai.next_decision(identifai.decision, timestamptz, timestamptz)`.execute(db)
  await sql`drop type identifai.decision`.execute(db)
}

const ABOUT_FORCE = `r.causes && array['forced', 'force_changed', 'unforced', 'already_forced']`

/**
 * Tells events of one file and label apart by decision, as the report does: in the order of their lower bounds, an event
 * joins the decision before it as long as all of that can have happened at one moment. No window function has a memory of
 * that kind.
 */
async function createDecisionAggregate(db: Kysely<unknown>): Promise<void> {
  await sql`create type identifai.decision as (decision_no integer, not_after timestamptz)`.execute(db)
  await sql`comment on type identifai.decision is 'A decision about a file and a label: its number, and when it must have happened.'`.execute(
    db,
  )
  await sql`
    create function identifai.next_decision(
      former identifai.decision, not_before timestamptz, not_after timestamptz
    ) returns identifai.decision language sql immutable parallel safe
    -- Parsed here and now: who reads the views may not look into this schema.
    begin atomic
      select case when not_before < (former).not_after
        then row((former).decision_no, least((former).not_after, not_after))::identifai.decision
        else row((former).decision_no + 1, not_after)::identifai.decision end;
    end`.execute(db)
  await sql`comment on function identifai.next_decision(identifai.decision, timestamptz, timestamptz) is 'Step of decision_of: the decision that an event belongs to, after that of the event before it.'`.execute(
    db,
  )
  await sql`
    create aggregate identifai.decision_of (not_before timestamptz, not_after timestamptz) (
      sfunc = identifai.next_decision, stype = identifai.decision, initcond = '(0,-infinity)', parallel = safe
    )`.execute(db)
  await sql`comment on aggregate identifai.decision_of (timestamptz, timestamptz) is 'Over the events of a file and a label, by lower bound: the decision that each belongs to.'`.execute(
    db,
  )
}

/** Which decision of its file and label the event `r` belongs to; the same as the window of force_decisions tells. */
const DECISION_NO = `(
  select (identifai.decision_of(coalesce(o.previous_confirmed_at, '-infinity'), o.observed_at
    order by coalesce(o.previous_confirmed_at, '-infinity'), o.observed_at, o.classification_id, o.revision_no)).decision_no
  from identifai.classification_revisions as o
  where (o.file_hash = r.file_hash
      or r.file_hash is null and o.file_hash is null and o.classification_id = r.classification_id)
    and o.force_classification is not distinct from r.force_classification
    and o.causes && array['forced', 'force_changed', 'unforced', 'already_forced']
    and o.causes && array['forced', 'force_changed', 'unforced']
    and (coalesce(o.previous_confirmed_at, '-infinity'), o.observed_at, o.classification_id, o.revision_no)
      <= (coalesce(r.previous_confirmed_at, '-infinity'), r.observed_at, r.classification_id, r.revision_no))`

/** Names a decision for good: what comes later is counted after it. */
function decisionKey(of: {
  readonly media: string
  readonly fileHash: string
  readonly classification: string
  readonly forcedTo: string
  readonly decisionNo: string
}): string {
  return `${of.media} || '/' || coalesce(${of.fileHash}, 'classification ' || ${of.classification}) || '/' ||
    coalesce(${of.forcedTo}, 'none') || '/' || ${of.decisionNo}`
}

async function createForceEvents(db: Kysely<unknown>): Promise<void> {
  await createView(db, 'force_events', {
    about:
      'Every change of a forced label that was ever seen, and what was forced already at first sight. When it happened is known as an interval only, and never by whom: "forced" does not mean "by a person".',
    grain: 'change of the forced label of a classification',
    columns: {
      ...IDENTIFICATION,
      revision_no: {
        is: 'The content that brought it.',
        joins: 'classification_history.revision_no, with classification_id',
      },
      event: {
        is: 'forced, force_changed (to another label), unforced, or already_forced (already so in the first finished answer: no change of any period).',
      },
      forced_from: { is: 'The forced label before.', null: 'it was not forced, or nobody saw' },
      forced_to: { is: 'The forced label since.', null: 'it is no longer forced' },
      not_before: {
        is: 'When the last request left whose answer still had the former label: it happened then or later.',
        null: 'already_forced: nobody saw',
      },
      not_after: {
        is: 'When the first answer with the new label had been received: it happened by then.',
      },
      machine_classification_before: { is: 'The label of the machine before.', null: 'none, or nobody saw' },
      machine_confidence_before: {
        is: 'How sure the machine was of that label.',
        null: 'not told, or nobody saw',
      },
      machine_heuristic_before: { is: 'The heuristic of that verdict.', null: 'not told, or nobody saw' },
      machine_classification_after: { is: 'The label of the machine since.', null: 'none' },
      machine_confidence_after: {
        is: 'How sure the machine is of that label; it says nothing about the forced one.',
        null: 'not told',
      },
      machine_heuristic_after: { is: 'The heuristic of that verdict.', null: 'not told' },
      force_origin: {
        is: 'not_c2pa_path: the documented C2PA route does not lead there. undetermined: it may be a C2PA signature, a tool or a person.',
      },
      decision_key: {
        is: 'The decision that it belongs to: events of one file and label that can have happened together are one.',
        joins: 'force_decisions.decision_key',
        null: 'already_forced: a decision that nobody saw',
      },
      file_hash: {
        is: 'SHA-256 of the audio file; an override is by file.',
        null: 'not returned',
      },
      ref_id: { is: "The submitter's own label.", null: 'none was given' },
      name: { is: 'Name of the audio file.', null: 'none was given' },
      result_url: { is: 'Link to the result on the dashboard.', null: 'none was given' },
      run_id: { is: 'The pass that saw it.' },
      ...SUBMISSION_AS_IT_STOOD,
    },
    query: `
      select
        r.classification_id, r.identifier, r.revision_no, event.event,
        former.force_classification, r.force_classification,
        case when event.event <> 'already_forced' then r.previous_confirmed_at end, r.observed_at,
        former.machine_classification, former.machine_confidence, former.machine_heuristic,
        r.machine_classification, r.machine_confidence, r.machine_heuristic,
        case when r.force_classification = 'human' or event.event = 'forced' then 'not_c2pa_path'
          else 'undetermined' end,
        case when event.event <> 'already_forced' then ${decisionKey({
          media: '(select i.media from identifai.identifiers as i where i.id = r.classification_id)',
          fileHash: 'r.file_hash',
          classification: 'r.classification_id',
          forcedTo: 'r.force_classification',
          decisionNo: DECISION_NO,
        })} end,
        r.file_hash, r.ref_id, r.name, r.result_url, r.run_id::text,
        -- Not a join: the planner takes forced ones for more than they are, and would read the whole ledger for it.
        (select i.media from identifai.identifiers as i where i.id = r.classification_id), r.submitted_at, r.source
      from identifai.classification_revisions as r
      cross join lateral (
        select case when 'forced' = any(r.causes) then 'forced' when 'unforced' = any(r.causes) then 'unforced'
          when 'force_changed' = any(r.causes) then 'force_changed' else 'already_forced' end as event
      ) as event
      left join lateral (
        select f.force_classification, f.machine_classification, f.machine_confidence, f.machine_heuristic
        from identifai.classification_revisions as f
        where event.event <> 'already_forced' and f.classification_id = r.classification_id
          and f.revision_no < r.revision_no and f.status <> 'new'
        order by f.revision_no desc limit 1
      ) as former on true
      where ${ABOUT_FORCE}`,
  })
}

async function createForceDecisions(db: Kysely<unknown>): Promise<void> {
  await createView(db, 'force_decisions', {
    about:
      'Decisions to force a label: events of one file and one label that can have happened at the same moment count as one. What was found forced at first sight is no decision that anybody saw, and is left out.',
    grain: 'file, forced label and moment at which its events can have happened together',
    columns: {
      decision_key: {
        is: 'Names the decision.',
        joins: 'force_events.decision_key, forced_classifications.decision_key, override_notes.decision_key',
      },
      file_hash: {
        is: 'The file. It can have many identifiers and many decisions: events join by decision_key.',
        joins: 'classifications.file_hash',
        null: 'not returned: a decision about one identifier',
      },
      forced_from: {
        is: 'The forced label before.',
        null: 'not forced before, or different from identifier to identifier',
      },
      forced_to: { is: 'The forced label since.', null: 'the force was taken away' },
      not_before: { is: 'It happened then or later: the latest lower bound of its events.' },
      not_after: { is: 'It happened by then: the earliest upper bound of its events.' },
      identifiers: { is: 'Identifiers that it changed.' },
      explained_by: {
        is: 'Number of the first note that explains it; those after it may correct it.',
        joins: 'override_notes.note_id',
        null: 'no note does',
      },
      explanation: {
        is: 'explained, explained_late (its first note was written more than 7 days after not_after) or unexplained.',
      },
      author: { is: 'Who decided, according to that note.', null: 'no note' },
      reason: { is: 'Why, according to that note.', null: 'no note' },
      ticket: { is: 'Case or ticket, according to that note.', null: 'no note, or none given' },
      reviewer: { is: 'Who reviewed it, according to that note.', null: 'no note, or none given' },
      noted_at: { is: 'When that note was written.', null: 'no note' },
      media: { is: 'Kind of medium: audio.' },
    },
    query: `
      with events as (
        select e.media, e.file_hash, case when e.file_hash is null then e.classification_id end as own, e.forced_to,
          e.forced_from, coalesce(e.not_before, '-infinity') as not_before, e.not_after,
          (identifai.decision_of(coalesce(e.not_before, '-infinity'), e.not_after) over (
            partition by e.media, e.file_hash, case when e.file_hash is null then e.classification_id end, e.forced_to
            order by e.not_before nulls first, e.not_after, e.classification_id, e.revision_no
            rows between unbounded preceding and current row)).decision_no
        from identifai_reporting.force_events as e where e.event <> 'already_forced'
      ), decisions as (
        select media, file_hash, own, forced_to, decision_no, max(not_before) as not_before, min(not_after) as not_after,
          count(*)::integer as identifiers,
          case when count(distinct forced_from) + max((forced_from is null)::integer) = 1
            then min(forced_from) end as forced_from
        from events group by media, file_hash, own, forced_to, decision_no
      ), explained as (
        select n.note_id, d.media, d.file_hash, d.forced_to, max(d.decision_no) as decision_no
        from identifai.override_notes as n
        join decisions as d on d.media = n.media and d.file_hash = n.file_hash
          and coalesce(d.forced_to, 'none') = n.forced_to and d.not_before <= n.noted_at
        group by n.note_id, d.media, d.file_hash, d.forced_to
      ), firsts as (
        select media, file_hash, forced_to, decision_no, min(note_id) as note_id
        from explained group by media, file_hash, forced_to, decision_no
      )
      select ${decisionKey({
        media: 'd.media',
        fileHash: 'd.file_hash',
        classification: 'd.own',
        forcedTo: 'd.forced_to',
        decisionNo: 'd.decision_no',
      })},
        d.file_hash, d.forced_from, d.forced_to, nullif(d.not_before, '-infinity'), d.not_after, d.identifiers,
        n.note_id,
        case when n.note_id is null then 'unexplained'
          when n.noted_at > d.not_after + interval '168 hours' then 'explained_late' else 'explained' end,
        n.author, n.reason, n.ticket, n.reviewer, n.noted_at, d.media
      from decisions as d
      left join firsts as f on f.media = d.media and f.file_hash = d.file_hash
        and f.forced_to is not distinct from d.forced_to and f.decision_no = d.decision_no
      left join identifai.override_notes as n on n.note_id = f.note_id`,
  })
}

async function createOverrideNotes(db: Kysely<unknown>): Promise<void> {
  await createView(db, 'override_notes', {
    about:
      'What the organization itself has written down of forced labels: who, why. A note is never changed, only followed by another: the latest about a decision counts.',
    grain: 'note',
    columns: {
      note_id: { is: 'Number of the note; later ones are higher.' },
      file_hash: {
        is: 'The file that it is about. Forced labels join by decision_key.',
        joins: 'classifications.file_hash',
      },
      forced_to: {
        is: 'The forced label that it is about: human, artificial, or none for a force taken away.',
      },
      decision_key: {
        is: 'The decision that it explains: the latest about this file and label that may have happened before it was written.',
        joins: 'force_decisions.decision_key, forced_classifications.decision_key',
        null: 'no decision that we saw: it explains a label that was found forced, or that we have not seen yet',
      },
      author: { is: 'Who decided.' },
      reason: { is: 'Why.' },
      ticket: { is: 'Case or ticket.', null: 'none given' },
      reviewer: { is: 'Who reviewed it.', null: 'nobody named' },
      noted_at: { is: 'When it was written.' },
      media: { is: 'Kind of medium: audio.' },
    },
    query: `
      select n.note_id, n.file_hash, n.forced_to,
        (select e.decision_key from identifai_reporting.force_events as e
          where e.media = n.media and e.file_hash = n.file_hash and coalesce(e.forced_to, 'none') = n.forced_to
            and e.event <> 'already_forced'
          group by e.decision_key having max(coalesce(e.not_before, '-infinity')) <= n.noted_at
          order by max(coalesce(e.not_before, '-infinity')) desc limit 1),
        n.author, n.reason, n.ticket, n.reviewer, n.noted_at, n.media
      from identifai.override_notes as n`,
  })
}

async function createForcedClassifications(db: Kysely<unknown>): Promise<void> {
  const columns = Object.keys(CLASSIFICATION_COLUMNS)
  await createView(db, 'forced_classifications', {
    about:
      'The classifications that are forced now, with the interval in which that was last seen to change, and what a note says of it. When and by whom it was forced identifAI does not say.',
    grain: 'classification forced now',
    columns: {
      ...CLASSIFICATION_COLUMNS,
      classification_id: IDENTIFICATION.classification_id,
      not_before: {
        is: 'The label was forced then or later.',
        null: 'it was forced already at first sight: nobody saw',
      },
      not_after: { is: 'The label was forced by then.' },
      decision_key: {
        is: 'The decision that forced it.',
        joins: 'force_decisions.decision_key',
        null: 'it was forced already at first sight: nobody saw',
      },
      notes: {
        is: 'Notes about that decision; about the file and label where nobody saw it. 0 when nobody has said why.',
      },
      author: { is: 'Who decided, according to the latest of these notes.', null: 'no note' },
      reason: { is: 'Why, according to it.', null: 'no note' },
      ticket: { is: 'Case or ticket, according to it.', null: 'no note, or none given' },
      reviewer: { is: 'Who reviewed it, according to it.', null: 'no note, or nobody named' },
      noted_at: { is: 'When it was written.', null: 'no note' },
      same_file_identifiers: { is: 'Other tracked identifiers of the same file.' },
    },
    query: `
      select ${columns.map((column) => `c.${column}`).join(', ')}, event.not_before, event.not_after,
        event.decision_key, coalesce(note.notes, 0)::integer, note.author, note.reason, note.ticket, note.reviewer,
        note.noted_at,
        (select count(*)::integer from identifai.classifications as s
          where s.media = c.media and s.file_hash = c.file_hash and s.classification_id <> c.classification_id)
      from identifai_reporting.classifications as c
      left join lateral (
        select e.not_before, e.not_after, e.decision_key
        from identifai_reporting.force_events as e
        where e.classification_id = c.classification_id order by e.revision_no desc limit 1
      ) as event on true
      left join lateral (
        select n.author, n.reason, n.ticket, n.reviewer, n.noted_at, count(*) over () as notes
        from identifai_reporting.override_notes as n
        where n.media = c.media and n.file_hash = c.file_hash and n.forced_to = c.force_classification
          and n.decision_key is not distinct from event.decision_key
        order by n.note_id desc limit 1
      ) as note on true
      where c.force_classification is not null and c.is_forced`,
  })
}
