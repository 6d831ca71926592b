import { z } from 'zod'
import { FORCE_CAUSES } from '../../platform/postgres/tables/history.ts'
import type { DatabaseTime } from '../../platform/time.ts'

/** Rises when the same history would give another report: other keys, sentences or rules. */
export const REPORT_VERSION = 1

/** Reasons why a change before the end of the period may be missing, in the order in which a report states them. */
export const GAP_KINDS = [
  'period_not_over',
  'unobserved',
  'unfinished',
  'unconfirmed',
  'reanalyzing',
  'unsealed',
] as const
export type GapKind = (typeof GAP_KINDS)[number]

export const EXPLANATIONS = ['explained', 'explained_late', 'unexplained'] as const

const IN_PERIOD = ['certainly', 'possibly', 'no'] as const

/** SHA-256 in hex. */
export const hash = z.string().regex(/^[0-9a-f]{64}$/)
const count = z.int().min(0)
const position = z.int().min(1)
const text = z.string().nullable()
const time = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/)
  .refine((value) => new Date(value).toJSON()?.slice(0, 19) === value.slice(0, 19), 'not a time')
  .describe('UTC, with six digits of a second.')
const inPeriod = z
  .enum(IN_PERIOD)
  .describe(
    'Position of the interval relative to the period. no: outside the period, and listed because its file and label were forced in the period, too.',
  )
const interval = {
  not_before: time.nullable().describe('The change happened then or later. Null: at any earlier time.'),
  not_after: time.describe('The change happened then or earlier.'),
}

const period = z
  .strictObject({
    from: time.nullable().describe('Null: from the beginning.'),
    to: time,
    time_zone: z
      .string()
      .describe('IANA name of the time zone that a date without a time refers to, and in which weeks begin.'),
  })
  .describe('Includes `from`, and excludes `to`.')

const asOf = z
  .strictObject({
    run_id: z.guid(),
    finished_at: time,
    chain_position: position,
    chain_head: hash,
    notes_through: count.describe('Highest note_id that the report includes.'),
    first_http_date: time
      .nullable()
      .describe(
        'Date header of the first response in that run: the clock of the API. Null: no response had one.',
      ),
    last_http_date: time.nullable(),
  })
  .describe('The run whose end the report describes.')

const gap = z.strictObject({ gap: z.enum(GAP_KINDS), statement: z.string() })

const coverage = z
  .strictObject({
    is_complete: z
      .boolean()
      .describe(
        'True when the report has every change before the end of the period. Excepted are changes of retired identifiers, and changes that were undone between two requests.',
      ),
    gaps: z.array(gap),
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
      .describe('The most frequent first. All beyond twenty are one entry whose reason is null.'),
    reanalyzing: count.describe(
      'Finished identifiers whose analysis was running again. Changes of their forced labels are observed when it ends.',
    ),
    observed_since: time
      .nullable()
      .describe(
        'Time at which the first response was received. Labels that were forced before then are already_forced. Null: no response yet.',
      ),
    confirmed_since: time
      .nullable()
      .describe('Oldest confirmation of a finished identifier. Null: none is finished.'),
    unfinished_since: time
      .nullable()
      .describe(
        'Oldest confirmation of a pending, missing or quarantined identifier, or its enqueued_at if it was never finished. Null: there is none.',
      ),
    unsealed_runs: count.describe(
      'Other runs that were in progress and had changed contents. Their changes are not in the report.',
    ),
  })
  .describe('Counts of the tracked identifiers at the end of the run that the report describes.')

const statement = z.strictObject({ topic: z.string(), statement: z.string() })

const head = z.strictObject({
  title: z.string(),
  media: z.string(),
  period,
  as_of: asOf,
  coverage,
  statements: z.array(statement).describe('Sentences that explain how to read the report.'),
})

const machine = text.describe('Null: the machine gave no verdict.')

const forcedNow = z
  .strictObject({
    with_result: count,
    forced: count,
    forced_share: z
      .number()
      .min(0)
      .max(1)
      .nullable()
      .describe('forced / with_result. Null: there is no result.'),
    machine_to_forced: z.array(z.strictObject({ machine, forced_to: text, identifiers: count })),
  })
  .describe(
    'Counts of identifiers by their latest finished record at the as-of, including retired and missing ones.',
  )

const periodSummary = z
  .strictObject({
    events: count,
    events_certainly: count,
    events_possibly: count,
    identifiers: count.describe('Distinct identifiers among the events.'),
    decisions: count,
    decisions_certainly: count,
    decisions_possibly: count,
    already_forced: count.describe(
      'Identifiers whose first finished record was received in the period, and was forced. They are not events.',
    ),
    ...counts(EXPLANATIONS),
    machine_to_forced: z.array(z.strictObject({ machine, forced_to: text, events: count })),
    against_machine: count.describe("Events that forced another label than the machine's."),
    against_machine_confidence_090: count.describe('Those of them with a machine confidence of 0.9 or more.'),
    by_heuristic: z.array(z.strictObject({ heuristic: text, events: count })),
    by_week: z
      .array(z.strictObject({ week: z.iso.date(), events: count, decisions: count }))
      .describe(
        'By the Monday of the week of not_after, in the time zone of the period; every week from the first to the last.',
      ),
  })
  .describe('Counts of the listed events and decisions, without those outside the period.')

const note = z.strictObject({
  note_id: z.int(),
  noted_at: time,
  file_hash: z.string(),
  forced_to: z.string().describe('none: the forced label was removed.'),
  author: z.string(),
  reason: z.string(),
  ticket: text,
  reviewer: text,
  corrects: z
    .int()
    .nullable()
    .describe(
      'note_id of the first note that it corrects. Of several corrections, the latest counts. Null: it is a first note.',
    ),
})

const decision = z
  .strictObject({
    decision: position.describe('Number of the decision, from 1, in the order of time.'),
    in_period: inPeriod,
    file_hash: text,
    forced_from: text.describe('Null: not forced before, or different among the identifiers.'),
    forced_from_differs: z.boolean(),
    forced_to: text,
    ...interval,
    identifiers: count.describe('Identifiers that it changed.'),
    tracked: count.describe('Tracked identifiers of the file.'),
    explanation: z
      .enum(EXPLANATIONS)
      .describe(
        'explained_late: the first note was written more than seven days after not_after. Its corrections do not change that.',
      ),
    explained_by: z.int().nullable().describe('note_id of the first note. Null: there is none.'),
    notes: z
      .array(note)
      .describe('By note_id. A correction belongs to the decision of the note that it corrects.'),
  })
  .describe('Events of one file and label that can have happened at the same moment.')

/** Its members, in this order, are the first columns of the CSV form. */
export const event = z
  .strictObject({
    event: z.enum(FORCE_CAUSES),
    in_period: inPeriod,
    identifier: z.string(),
    forced_from: text,
    forced_to: text,
    ...interval,
    force_origin: z.enum(['not_c2pa_path', 'undetermined']),
    file_hash: text,
    same_file_identifiers: count.describe('Other tracked identifiers of the same file.'),
    personal_commitment: hash.describe(
      'Commitment to the personal values of the revision with the new label: name, ref_id, result_url and source.',
    ),
    submitted_at: time.nullable(),
    machine_classification_before: text,
    machine_confidence_before: z.number().nullable(),
    machine_heuristic_before: text,
    machine_classification_after: text,
    machine_confidence_after: z.number().nullable(),
    machine_heuristic_after: text,
    classification_id: z.int(),
    revision_no: position.describe('The revision with the new label.'),
    revision_no_before: position.describe('The finished revision before it, with the former label.'),
    run_id: z.guid(),
    chain_position: position,
    decision: position.describe('Number of its decision in this report.'),
  })
  .describe('A change of the forced label between two finished records of one identifier.')

const data = {
  report_version: z.literal(REPORT_VERSION),
  head,
  summary: z.strictObject({ now: forcedNow, period: periodSummary }),
  decisions: z
    .array(decision)
    .describe(
      'In the order of time. It has all decisions on the files and labels that were forced in the period, also those outside the period.',
    ),
  events: z.array(event).describe('All events of these decisions, in the order in which they were observed.'),
}

/** The clear values of one event, beside the data of a report. */
export const personalValues = z
  .strictObject({
    classification_id: z.int(),
    revision_no: position,
    salt: hash.describe('32 random bytes.'),
    name: text.describe('Name of the audio file.'),
    ref_id: text,
    result_url: text,
    source: text,
  })
  .describe(
    'The personal values of the event with this classification_id and revision_no. Its personal_commitment is SHA-256 of two parts: the bytes of the salt, and the RFC 8785 JSON of the last four members without nulls.',
  )

/** The data of a report: everything that its digest covers. */
export const reportDataSchema = z.strictObject(data)

/**
 * The compliance report on forced classifications as JSON; docs/report.schema.json is made of it. All of it follows from
 * the rows sealed up to one position of the chain, except generated_at, generated_by and verified. The digest
 * covers commitments to the personal values, so that it is the same when these have been removed.
 */
export const reportSchema = z
  .strictObject({
    ...data,
    generated_at: time,
    generated_by: z.string(),
    verified: z
      .strictObject({ at: time, chain_position: position, chain_head: hash })
      .nullable()
      .describe(
        'The verification of the history, up to this chain head, before the report was made. Null: without --verify.',
      ),
    data_digest: hash.describe(
      'SHA-256 of the RFC 8785 JSON of this document without generated_at, generated_by, verified, data_digest and personal_values.',
    ),
    personal_values: z
      .array(personalValues)
      .describe('In the order of the events. Those of an event that were removed (redact) are absent.'),
  })
  .meta({
    title: 'identifai-sync: report on forced classifications',
    description:
      'The output of `identifai-sync report forced --format json`. A report that is made again for the same period and as-of differs in generated_at, generated_by and verified only. It lacks personal values that were removed meanwhile.',
  })

export type Report = Immutable<z.output<typeof reportSchema>>
export type ReportData = Immutable<z.output<typeof reportDataSchema>>
export type Period = Immutable<z.output<typeof period>>
export type AsOf = Immutable<z.output<typeof asOf>>
export type Coverage = Immutable<z.output<typeof coverage>>
export type ForcedNow = Immutable<z.output<typeof forcedNow>>
export type PeriodSummary = Immutable<z.output<typeof periodSummary>>
export type Decision = Immutable<z.output<typeof decision>>
export type ForceEvent = Immutable<z.output<typeof event>>
export type EventValues = Immutable<z.output<typeof personalValues>>
export type Note = Immutable<z.output<typeof note>>
export type InPeriod = ForceEvent['in_period']
export type Explanation = Decision['explanation']

/** A change of force as history has it, before a period and the other events place it. */
export type ForceChange = Omit<
  ForceEvent,
  'in_period' | 'decision' | 'same_file_identifiers' | 'force_origin'
>

/** The time between two requests in which a change happened. */
export interface Interval {
  /** The change happened then or later; null: at any time. */
  readonly not_before: DatabaseTime | null
  readonly not_after: DatabaseTime
}

function counts<Key extends string>(keys: readonly Key[]) {
  return Object.fromEntries(keys.map((key) => [key, count])) as { readonly [K in Key]: typeof count }
}

type Immutable<T> = T extends readonly (infer Element)[]
  ? readonly Immutable<Element>[]
  : T extends object
    ? { readonly [Key in keyof T]: Immutable<T[Key]> }
    : T
