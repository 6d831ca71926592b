import { z } from 'zod'
import { type Report, REPORT_VERSION, type ReportData } from './report.ts'

const time = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/)
  .refine((text) => new Date(text).toJSON()?.slice(0, 19) === text.slice(0, 19), 'no time')
  .meta({ description: 'UTC, six digits.' })
const hash = z.string().regex(/^[0-9a-f]{64}$/)
const count = z.int().min(0)
const text = z.string().nullable()
const inPeriod = z.enum(['certainly', 'possibly', 'no'])

const coverage = z
  .strictObject({
    is_complete: z.boolean().meta({
      description: 'Whether everything that happened before the end of the period would have been seen.',
    }),
    gaps: z.array(
      z.strictObject({
        gap: z.enum(['period_not_over', 'unfinished', 'unconfirmed', 'reanalyzing', 'unsealed']),
        statement: z.string(),
      }),
    ),
    tracked: count,
    finished: count,
    done: count,
    errored: count,
    pending: count,
    missing: count,
    quarantined: count,
    retired: count,
    retired_reasons: z
      .array(z.strictObject({ reason: text, identifiers: count }))
      .meta({ description: 'The most frequent first; all beyond twenty as one whose reason is null.' }),
    reanalyzing: count.meta({
      description: 'Finished ones whose analysis was running again: a force of theirs is seen when it ends.',
    }),
    observed_since: time.nullable().meta({
      description:
        'When the very first answer was received. Nobody was looking before: what was forced then is already_forced.',
    }),
    confirmed_since: time.nullable().meta({ description: 'Oldest confirmation among the finished.' }),
    unfinished_enqueued_since: time
      .nullable()
      .meta({ description: 'Oldest enqueued_at among pending, missing and quarantined.' }),
    unsealed_runs: count.meta({
      description: 'Other runs, still under way, that had changed contents which this report cannot have.',
    }),
  })
  .meta({ description: 'The ledger, in identifiers, when the run ended that the report is as of.' })

const head = z.strictObject({
  title: z.string(),
  media: z.string(),
  period: z
    .strictObject({ from: time.nullable().meta({ description: 'Null: from the beginning.' }), to: time })
    .meta({ description: 'Half-open: from `from` on, before `to`.' }),
  as_of: z
    .strictObject({
      run_id: z.guid(),
      finished_at: time,
      chain_position: z.int().min(1),
      chain_head: hash,
      notes_through: count,
      first_http_date: time.nullable(),
      last_http_date: time.nullable(),
    })
    .meta({ description: 'The run at whose end history is looked at.' }),
  coverage,
  statements: z.array(z.strictObject({ topic: z.string(), statement: z.string() })),
})

const summary = z.strictObject({
  now: z
    .strictObject({
      with_result: count,
      forced: count,
      forced_share: z.number().min(0).max(1).nullable(),
      machine_to_forced: z.array(z.strictObject({ machine: text, forced_to: text, identifiers: count })),
    })
    .meta({ description: 'The latest finished answers at the as-of, retired and missing ones included.' }),
  period: z.strictObject({
    events: count,
    events_certainly: count,
    events_possibly: count,
    identifiers: count,
    decisions: count,
    decisions_certainly: count,
    decisions_possibly: count,
    already_forced: count.meta({
      description: 'First finished answers within the period that were forced already: no events.',
    }),
    explained: count,
    explained_late: count,
    unexplained: count,
    machine_to_forced: z.array(z.strictObject({ machine: text, forced_to: text, events: count })),
    against_machine: count.meta({ description: "Events that forced another label than the machine's." }),
    against_machine_confidence_090: count,
    by_heuristic: z.array(z.strictObject({ heuristic: text, events: count })),
    by_source: z.array(z.strictObject({ source: text, events: count })),
    by_week: z
      .array(z.strictObject({ week: z.iso.date(), events: count, decisions: count }))
      .meta({ description: 'By the Monday (UTC) of the week in which each was seen, without a gap.' }),
  }),
})

const note = z.strictObject({
  note_id: z.int(),
  noted_at: time,
  file_hash: z.string(),
  forced_to: z.string().meta({ description: 'none: the force was taken away.' }),
  author: z.string(),
  reason: z.string(),
  ticket: text,
  reviewer: text,
})

const decision = z
  .strictObject({
    decision: z.int().min(1),
    in_period: inPeriod,
    file_hash: text,
    forced_from: text,
    forced_from_differs: z.boolean(),
    forced_to: text,
    not_before: time.nullable(),
    not_after: time,
    identifiers: count.meta({
      description: 'That it changed.',
    }),
    tracked: count.meta({ description: 'Tracked identifiers of the file.' }),
    explanation: z.enum(['explained', 'explained_late', 'unexplained']),
    explained_by: z.int().nullable().meta({ description: 'note_id.' }),
    notes: z.array(note),
  })
  .meta({ description: 'Events of one file and label that can have happened at one moment.' })

const event = z
  .strictObject({
    event: z.enum(['forced', 'force_changed', 'unforced']),
    in_period: inPeriod,
    decision: z.int().min(1),
    classification_id: z.int(),
    revision_no: z.int().min(1),
    revision_no_before: z.int().min(1),
    identifier: z.string(),
    ref_id: text,
    name: text,
    source: text,
    submitted_at: time.nullable(),
    file_hash: text,
    forced_from: text,
    forced_to: text,
    not_before: time.nullable(),
    not_after: time,
    force_origin: z.enum(['not_c2pa_path', 'undetermined']),
    machine_classification_before: text,
    machine_confidence_before: z.number().nullable(),
    machine_heuristic_before: text,
    machine_classification_after: text,
    machine_confidence_after: z.number().nullable(),
    machine_heuristic_after: text,
    same_file_identifiers: count,
    result_url: text,
    run_id: z.guid(),
    chain_position: z.int().min(1),
  })
  .meta({ description: 'A change of force, seen between two finished answers of one identifier.' })

const data = {
  report_version: z.literal(REPORT_VERSION),
  head,
  summary,
  decisions: z.array(decision).meta({
    description:
      'In the order of time; all of the files and labels that were forced in the period, also those outside it.',
  }),
  events: z.array(event).meta({ description: 'All events of these, in the order in which they were seen.' }),
}

/** What the digest is made of. */
export const reportDataSchema: z.ZodType<ReportData> = z.strictObject(data)

/** The report as JSON; docs/report.schema.json is made of it. */
export const reportSchema: z.ZodType<Report> = z
  .strictObject({
    ...data,
    generated_at: time,
    generated_by: z.string(),
    data_digest: hash.meta({
      description:
        'SHA-256 of the RFC 8785 JSON of this document without generated_at, generated_by and data_digest.',
    }),
  })
  .meta({
    title: 'identifai-sync: report on forced classifications',
    description:
      'Printed by `identifai-sync report forced --format json`. Made again with the same period and as-of, only generated_at and generated_by may differ.',
  })
