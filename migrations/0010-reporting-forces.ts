import { type Kysely, sql } from 'kysely'
import { CLASSIFICATION, IDENTIFICATION } from './0007-reporting-classifications.ts'
import { SUBMISSION_THEN } from './0009-reporting-history.ts'
import { createView, dropViews } from './with-comments.ts'

export async function up(db: Kysely<unknown>): Promise<void> {
  await createDecisionAggregate(db)
  // Forced classifications are few.
  await db.schema
    .createIndex('classifications_forced_idx')
    .on('identifai.classifications')
    .column('classification_id')
    .where(sql.ref('force_classification'), 'is not', null)
    .execute()
  // Events are few, too. The decision of an event depends on the other events of its file.
  await sql`create index classification_revisions_force_file_idx on identifai.classification_revisions
    ((${sql.raw(subject('file_hash', 'classification_id'))}))
    where causes && array['forced', 'force_changed', 'unforced', 'already_forced']`.execute(db)
  await createForceEvents(db)
  await createForceDecisions(db)
  await createOverrideNotes(db)
  await createForcedClassifications(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await dropViews(db, 'forced_classifications', 'override_notes', 'force_decisions', 'force_events')
  await sql`drop index identifai.classification_revisions_force_file_idx`.execute(db)
  await sql`drop index identifai.classifications_forced_idx`.execute(db)
  await sql`drop aggregate identifai.decision_of (timestamptz, timestamptz)`.execute(db)
  await sql`drop function identifai.next_decision(identifai.decision, timestamptz, timestamptz)`.execute(db)
  await sql`drop type identifai.decision`.execute(db)
}

/**
 * Numbers the decisions among the events of one file and label, as the report does. In the order of their lower bounds, an
 * event joins the decision before it while all of that can have happened at one moment. It is an aggregate, because no window
 * function keeps such a state. The function has a parsed body, because readers of the views have no access to the
 * schema identifai.
 */
async function createDecisionAggregate(db: Kysely<unknown>): Promise<void> {
  await sql`create type identifai.decision as (decision_no integer, not_after timestamptz)`.execute(db)
  await sql`comment on type identifai.decision is 'A decision about a file and a label: its number, and its upper bound in time.'`.execute(
    db,
  )
  await sql`
    create function identifai.next_decision(
      former identifai.decision, not_before timestamptz, not_after timestamptz
    ) returns identifai.decision language sql immutable parallel safe
    begin atomic
      select case when not_before < (former).not_after
        then row((former).decision_no, least((former).not_after, not_after))::identifai.decision
        else row((former).decision_no + 1, not_after)::identifai.decision end;
    end`.execute(db)
  await sql`comment on function identifai.next_decision(identifai.decision, timestamptz, timestamptz) is 'Step of decision_of: the decision of an event, from the decision of the event before it.'`.execute(
    db,
  )
  await sql`
    create aggregate identifai.decision_of (not_before timestamptz, not_after timestamptz) (
      sfunc = identifai.next_decision, stype = identifai.decision, initcond = '(0,-infinity)', parallel = safe
    )`.execute(db)
  await sql`comment on aggregate identifai.decision_of (timestamptz, timestamptz) is 'Over the events of a file and a label, in the order of their lower bounds: the decision of each.'`.execute(
    db,
  )
}

/** SQL for the subject of a decision: the file, or the classification while its file is not known. */
function subject(fileHash: string, classification: string): string {
  return `coalesce(${fileHash}, 'classification ' || ${classification}::text)`
}

type KeyParts = Readonly<Record<'media' | 'fileHash' | 'classification' | 'forcedTo' | 'decisionNo', string>>

/** SQL for the key of a decision. The key never changes, because later decisions get higher numbers. */
function decisionKey(of: KeyParts): string {
  return `${of.media} || '/' || ${subject(of.fileHash, of.classification)} || '/' ||
    coalesce(${of.forcedTo}, 'none') || '/' || ${of.decisionNo}`
}

async function createForceEvents(db: Kysely<unknown>): Promise<void> {
  await createView(db, 'force_events', {
    comment:
      'Every observed change of a forced label, and every label that was already forced in the first finished record. The time of a change is known as an interval only. The API does not return who forced it: "forced" does not mean "by a person". One row per forced label that changed or was already forced, for each classification.',
    columns: {
      ...IDENTIFICATION,
      revision_no:
        'The content with the new label. Joins: classification_history.revision_no, with classification_id.',
      event:
        'forced, force_changed (to another label), unforced, or already_forced (forced in the first finished record: not a change in any period).',
      forced_from: 'The forced label before. Null: not forced before, or not observed.',
      forced_to: 'The forced label after. Null: no longer forced.',
      not_before:
        'Time of the last request that returned the former label. The change happened then or later. Null: already_forced, so the change was not observed.',
      not_after:
        'Time at which the first response with the new label had been received. The change happened by then.',
      machine_classification_before: "The machine's label before. Null: no label, or not observed.",
      machine_confidence_before:
        "The machine's confidence in that label. Null: not returned, or not observed.",
      machine_heuristic_before: 'The heuristic of that verdict. Null: not returned, or not observed.',
      machine_classification_after: "The machine's label after. Null: no label.",
      machine_confidence_after:
        "The machine's confidence in that label; it does not apply to the forced one. Null: not returned.",
      machine_heuristic_after: 'The heuristic of that verdict. Null: not returned.',
      force_origin:
        'The value not_c2pa_path means a user or a program, because a C2PA signature (a mark in the file) is excluded. The value undetermined means that a C2PA signature is possible, too.',
      decision_key:
        'The decision of this event: events of one file and label that can have happened together are one decision. Joins: force_decisions.decision_key. Null: already_forced, so the decision was not observed.',
      file_hash: 'SHA-256 of the audio file; an override applies to the file. Null: not returned.',
      ref_id: "The submitter's own label. Null: not given.",
      name: 'Name of the audio file. Null: not given.',
      result_url: 'Link to the result on the dashboard. Null: not given.',
      run_id: 'The run that observed it.',
      ...SUBMISSION_THEN,
    },
    // The number of a decision, within its file and label, is that of the window in force_decisions.
    //
    // Events of a file can be on several nodes of a cluster. If it cannot plan the query otherwise, it executes these parts first.
    query: `
      with forces as not materialized (
        select classification_id, revision_no, media, ${subject('file_hash', 'classification_id')} as subject,
          coalesce(force_classification, 'none') as forced_to,
          coalesce(previous_confirmed_at, '-infinity') as not_before, observed_at
        from identifai.classification_revisions
        where causes && array['forced', 'force_changed', 'unforced', 'already_forced']
          and causes && array['forced', 'force_changed', 'unforced']
      ), changes as not materialized (
        select
          r.classification_id, r.identifier, r.revision_no, event.event, former.force_classification as forced_from,
          r.force_classification, r.previous_confirmed_at, r.observed_at,
          former.machine_classification as classification_before, former.machine_confidence as confidence_before,
          former.machine_heuristic as heuristic_before, r.machine_classification, r.machine_confidence,
          r.machine_heuristic, r.file_hash, own.ref_id, own.name, own.result_url, r.run_id::text, r.media,
          r.submitted_at, own.source
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
        left join identifai.personal_values as own
          on own.classification_id = r.classification_id and own.revision_no = r.revision_no
        where r.causes && array['forced', 'force_changed', 'unforced', 'already_forced']
      )
      select
        r.classification_id, r.identifier, r.revision_no, r.event, r.forced_from, r.force_classification,
        case when r.event <> 'already_forced' then r.previous_confirmed_at end, r.observed_at,
        r.classification_before, r.confidence_before, r.heuristic_before,
        r.machine_classification, r.machine_confidence, r.machine_heuristic,
        case when r.force_classification = 'human' or r.event = 'forced' then 'not_c2pa_path' else 'undetermined' end,
        case when r.event <> 'already_forced' then ${decisionKey({
          media: 'r.media',
          fileHash: 'r.file_hash',
          classification: 'r.classification_id',
          forcedTo: 'r.force_classification',
          decisionNo: `(identifai.decision_of(o.not_before, o.observed_at
            order by o.not_before, o.observed_at, o.classification_id, o.revision_no)).decision_no`,
        })} end,
        r.file_hash, r.ref_id, r.name, r.result_url, r.run_id, r.media, r.submitted_at, r.source
      from changes as r
      left join forces as o on r.event <> 'already_forced' and o.media = r.media
        and o.subject = ${subject('r.file_hash', 'r.classification_id')}
        and o.forced_to = coalesce(r.force_classification, 'none')
        and (o.not_before, o.observed_at, o.classification_id, o.revision_no) <=
          (coalesce(r.previous_confirmed_at, '-infinity'), r.observed_at, r.classification_id, r.revision_no)
      group by ${CHANGE.map((column) => `r.${column}`).join(', ')}`,
  })
}

/** The columns of a change of force. A condition on any of them applies before the events of a file are read. */
const CHANGE =
  `classification_id identifier revision_no event forced_from force_classification previous_confirmed_at
  observed_at classification_before confidence_before heuristic_before machine_classification machine_confidence
  machine_heuristic file_hash ref_id name result_url run_id media submitted_at source`.split(/\s+/)

async function createForceDecisions(db: Kysely<unknown>): Promise<void> {
  await createView(db, 'force_decisions', {
    comment:
      'Decisions to force a label: events of one file and one label that can have happened at the same moment count as one. A label that was already forced in the first finished record is not an observed decision, and is left out. One row per decision on one file and one forced label.',
    columns: {
      decision_key:
        'Key of the decision. Joins: force_events.decision_key, forced_classifications.decision_key, override_notes.decision_key.',
      file_hash:
        'The file. It can have many identifiers and many decisions. Join events by decision_key. Null: not returned, so the decision is about one identifier.',
      forced_from: 'The forced label before. Null: not forced before, or different among the identifiers.',
      forced_to: 'The forced label after. Null: the force was removed.',
      not_before:
        'The decision happened then or later: the latest lower bound of its events. Null: no event has a lower bound.',
      not_after: 'The decision happened by then: the earliest upper bound of its events.',
      identifiers: 'Number of identifiers that it changed.',
      explained_by:
        'Number of the first note that explains it. Joins: override_notes.note_id. Null: no note explains it.',
      corrections:
        'Number of corrections of that note. The following texts are from the latest one. Null: no note.',
      explanation:
        'explained, explained_late (the first note was written more than 7 days after not_after) or unexplained.',
      author: 'Person who decided, from that note. Null: no note.',
      reason: 'Reason, from that note. Null: no note.',
      ticket: 'Case or ticket, from that note. Null: no note, or not given.',
      reviewer: 'Person who reviewed it, from that note. Null: no note, or not given.',
      noted_at: 'Time at which the first note was written. Null: no note.',
      media: 'Medium, for example audio.',
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
        where n.corrects is null
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
        n.note_id, current.corrections::integer,
        case when n.note_id is null then 'unexplained'
          when n.noted_at > d.not_after + interval '168 hours' then 'explained_late' else 'explained' end,
        current.author, current.reason, current.ticket, current.reviewer, n.noted_at, d.media
      from decisions as d
      left join firsts as f on f.media = d.media and f.file_hash = d.file_hash
        and f.forced_to is not distinct from d.forced_to and f.decision_no = d.decision_no
      left join identifai.override_notes as n on n.note_id = f.note_id
      left join lateral (
        select c.author, c.reason, c.ticket, c.reviewer, count(*) over () - 1 as corrections
        from identifai.override_notes as c where c.note_id = n.note_id or c.corrects = n.note_id
        order by c.note_id desc limit 1
      ) as current on true`,
  })
}

async function createOverrideNotes(db: Kysely<unknown>): Promise<void> {
  await createView(db, 'override_notes', {
    comment:
      'Notes of the organization itself about forced labels: who decided, and why. A note never changes, but later notes can correct it. For the notes that count, filter by is_current. One row per note.',
    columns: {
      note_id: 'Number of the note; later notes have higher numbers.',
      file_hash: 'The file of the note. Join forced labels by decision_key.',
      forced_to: 'The forced label that it is about: human, artificial, or none for a removed force.',
      decision_key:
        'The decision that it explains: the latest about this file and label that can have happened before the first note was written. Joins: force_decisions.decision_key, forced_classifications.decision_key. Null: no observed decision, because the label was already forced or is not observed yet.',
      author: 'Person who decided.',
      reason: 'Reason for the decision.',
      ticket: 'Case or ticket. Null: not given.',
      reviewer: 'Person who reviewed it. Null: not given.',
      noted_at: 'Time at which it was written.',
      corrects: 'The first note that it corrects. Joins: override_notes.note_id. Null: it is a first note.',
      is_current: 'True for the latest correction of a note, and for a note without corrections.',
      media: 'Medium, for example audio.',
    },
    query: `
      with decisions as not materialized (
        select e.media, e.file_hash, coalesce(e.forced_to, 'none') as forced_to, e.decision_key,
          max(coalesce(e.not_before, '-infinity')) as not_before
        from identifai_reporting.force_events as e where e.event <> 'already_forced'
        group by e.media, e.file_hash, e.forced_to, e.decision_key
      )
      select n.note_id, n.file_hash, n.forced_to,
        (select d.decision_key from decisions as d
          where d.media = n.media and d.file_hash = n.file_hash and d.forced_to = n.forced_to
            and d.not_before <= coalesce(first.noted_at, n.noted_at)
          order by d.not_before desc limit 1),
        n.author, n.reason, n.ticket, n.reviewer, n.noted_at, n.corrects,
        not exists (
          select from identifai.override_notes as later
          where later.corrects = coalesce(n.corrects, n.note_id) and later.note_id > n.note_id),
        n.media
      from identifai.override_notes as n
      left join identifai.override_notes as first on first.note_id = n.corrects`,
  })
}

async function createForcedClassifications(db: Kysely<unknown>): Promise<void> {
  const columns = Object.keys(CLASSIFICATION)
  await createView(db, 'forced_classifications', {
    comment:
      'Classifications that are forced now, with the interval of the last observed change and the latest note. The API returns neither the time nor the author of a forced label. One row per classification that is forced now.',
    columns: {
      ...CLASSIFICATION,
      classification_id: IDENTIFICATION.classification_id,
      not_before:
        'The label was forced then or later. Null: it was already forced in the first finished record.',
      not_after: 'The label was forced by then.',
      decision_key:
        'The decision that forced it. Joins: force_decisions.decision_key. Null: it was already forced in the first finished record.',
      notes:
        'Number of notes about that decision, or about the file and label when the decision was not observed. Corrections do not count.',
      author: 'Person who decided, from the latest of these notes. Null: no note.',
      reason: 'Reason, from the latest note. Null: no note.',
      ticket: 'Case or ticket, from the latest note. Null: no note, or not given.',
      reviewer: 'Person who reviewed it, from the latest note. Null: no note, or not given.',
      noted_at: 'Time at which that note was written. Null: no note.',
      same_file_identifiers: 'Number of other tracked identifiers of the same file.',
    },
    query: `
      with forced as not materialized (
        select ${columns.join(', ')} from identifai_reporting.classifications
        where force_classification is not null and is_forced
      ), events as not materialized (
        select classification_id, revision_no, not_before, not_after, decision_key from identifai_reporting.force_events
      ), files as not materialized (
        select media, file_hash, count(*) as classifications from identifai.classifications
        where (media, file_hash) in (
          select media, file_hash from identifai.classifications where force_classification is not null)
        group by media, file_hash
      )
      select ${columns.map((column) => `c.${column}`).join(', ')}, event.not_before, event.not_after,
        event.decision_key, coalesce(note.notes, 0)::integer, note.author, note.reason, note.ticket, note.reviewer,
        note.noted_at,
        coalesce((select f.classifications - 1 from files as f
          where f.media = c.media and f.file_hash = c.file_hash), 0)::integer
      from forced as c
      left join lateral (
        select e.not_before, e.not_after, e.decision_key
        from events as e
        where e.classification_id = c.classification_id order by e.revision_no desc limit 1
      ) as event on true
      left join lateral (
        select n.author, n.reason, n.ticket, n.reviewer, n.noted_at, count(*) over () as notes
        from identifai_reporting.override_notes as n
        where n.media = c.media and n.file_hash = c.file_hash and n.forced_to = c.force_classification
          and n.decision_key is not distinct from event.decision_key
        and n.is_current
        order by coalesce(n.corrects, n.note_id) desc limit 1
      ) as note on true`,
  })
}
