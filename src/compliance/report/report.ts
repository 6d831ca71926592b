import type { DatabaseTime } from '../../platform/time.ts'

/**
 * The compliance report on forced classifications, as its JSON form has it (docs/report.schema.json). Times are UTC text
 * with six digits. All of it is made anew from what was sealed up to one position of the chain, but for the two keys that
 * say who made it and when.
 */
export interface Report {
  readonly report_version: typeof REPORT_VERSION
  readonly generated_at: DatabaseTime
  readonly generated_by: string
  /** SHA-256 (hex) of the RFC 8785 JSON of all but generated_at, generated_by and itself. */
  readonly data_digest: string
  readonly head: ReportHead
  readonly summary: Summary
  /** In the order of time; all of the files and labels that were forced in the period, also those outside it. */
  readonly decisions: readonly Decision[]
  /** All events of these, in the order in which they were seen. */
  readonly events: readonly ForceEvent[]
}

/** What the digest is made of. */
export type ReportData = Omit<Report, 'generated_at' | 'generated_by' | 'data_digest'>

/** Moves on when the same history would give another report: keys, sentences, rules. */
export const REPORT_VERSION = 1

interface ReportHead {
  readonly title: string
  readonly media: string
  readonly period: Period
  readonly as_of: AsOf
  readonly coverage: Coverage
  /** How to read it, in sentences. */
  readonly statements: readonly Statement[]
}

/** Half-open: from `from` on, before `to`. */
export interface Period {
  /** Null: from the beginning. */
  readonly from: DatabaseTime | null
  readonly to: DatabaseTime
}

/** The run at whose end history is looked at. */
export interface AsOf {
  readonly run_id: string
  readonly finished_at: DatabaseTime
  readonly chain_position: number
  readonly chain_head: string
  /** Highest note_id that is taken into account. */
  readonly notes_through: number
  /** The API's own clock in that run; null when no answer had one. */
  readonly first_http_date: DatabaseTime | null
  readonly last_http_date: DatabaseTime | null
}

/** The ledger when that run ended, in identifiers. */
export interface Coverage {
  /** Whether everything that happened before the end of the period would have been seen. */
  readonly is_complete: boolean
  readonly gaps: readonly Gap[]
  readonly tracked: number
  readonly finished: number
  readonly done: number
  readonly errored: number
  readonly pending: number
  readonly missing: number
  readonly quarantined: number
  readonly retired: number
  /** The most frequent first; all beyond twenty as one whose reason is null. */
  readonly retired_reasons: readonly { readonly reason: string | null; readonly identifiers: number }[]
  /** Finished ones whose analysis was running again: a force of theirs is seen when it ends. */
  readonly reanalyzing: number
  /** When the very first answer was received; null when there was none yet. Nobody was looking before. */
  readonly observed_since: DatabaseTime | null
  /** Oldest confirmation among the finished; null when none is finished. */
  readonly confirmed_since: DatabaseTime | null
  /** Oldest enqueued_at among pending, missing and quarantined; null when there are none. */
  readonly unfinished_enqueued_since: DatabaseTime | null
  /** Other runs, still under way, that had changed contents which this report cannot have. */
  readonly unsealed_runs: number
}

export interface Gap {
  readonly gap: 'period_not_over' | 'unobserved' | 'unfinished' | 'unconfirmed' | 'reanalyzing' | 'unsealed'
  readonly statement: string
}

export interface Statement {
  readonly topic: string
  readonly statement: string
}

/** Whether something happened within the period, as far as its interval tells. */
export type InPeriod = 'certainly' | 'possibly' | 'no'

/** A change of force, seen between two finished answers of one identifier. */
export interface ForceEvent {
  readonly event: 'forced' | 'force_changed' | 'unforced'
  /** `no`: outside, listed because it is about a file and a label that were forced in the period. */
  readonly in_period: InPeriod
  /** Number of its decision in this report. */
  readonly decision: number
  readonly classification_id: number
  /** The revision that has the new label, and the finished one before it that has the former. */
  readonly revision_no: number
  readonly revision_no_before: number
  readonly identifier: string
  readonly ref_id: string | null
  readonly name: string | null
  readonly source: string | null
  readonly submitted_at: DatabaseTime | null
  readonly file_hash: string | null
  readonly forced_from: string | null
  readonly forced_to: string | null
  readonly not_before: DatabaseTime | null
  readonly not_after: DatabaseTime
  readonly force_origin: 'not_c2pa_path' | 'undetermined'
  readonly machine_classification_before: string | null
  readonly machine_confidence_before: number | null
  readonly machine_heuristic_before: string | null
  readonly machine_classification_after: string | null
  readonly machine_confidence_after: number | null
  readonly machine_heuristic_after: string | null
  /** Other tracked identifiers of the same file. */
  readonly same_file_identifiers: number
  readonly result_url: string | null
  readonly run_id: string
  readonly chain_position: number
}

/** Events of one file and label that can have happened at one moment. */
export interface Decision {
  /** From 1, in the order of time, in this report. */
  readonly decision: number
  readonly in_period: InPeriod
  readonly file_hash: string | null
  /** Null when it was not forced before, or differed from identifier to identifier. */
  readonly forced_from: string | null
  readonly forced_from_differs: boolean
  readonly forced_to: string | null
  /** What the intervals of its events have in common. */
  readonly not_before: DatabaseTime | null
  readonly not_after: DatabaseTime
  /** Identifiers that it changed. */
  readonly identifiers: number
  /** Tracked identifiers of the file. */
  readonly tracked: number
  readonly explanation: Explanation
  /** note_id of the note that explains it; null when none does. */
  readonly explained_by: number | null
  /** That note, and later ones on the same decision. */
  readonly notes: readonly Note[]
}

/** `explained_late`: noted more than seven days after it must have happened. */
export type Explanation = 'explained' | 'explained_late' | 'unexplained'

export interface Note {
  readonly note_id: number
  readonly noted_at: DatabaseTime
  readonly file_hash: string
  /** `none`: the force was taken away. */
  readonly forced_to: string
  readonly author: string
  readonly reason: string
  readonly ticket: string | null
  readonly reviewer: string | null
}

interface Summary {
  readonly now: ForcedNow
  readonly period: PeriodSummary
}

/** The latest finished answers at the as-of, in identifiers, retired and missing ones included. */
export interface ForcedNow {
  readonly with_result: number
  readonly forced: number
  /** forced / with_result; null when there is no result. */
  readonly forced_share: number | null
  readonly machine_to_forced: readonly MachineToForced<'identifiers'>[]
}

export type MachineToForced<Counted extends string> = {
  /** Null: the machine gave no verdict. */
  readonly machine: string | null
  readonly forced_to: string | null
} & { readonly [K in Counted]: number }

/** What is listed below it, counted. */
export interface PeriodSummary {
  readonly events: number
  readonly events_certainly: number
  readonly events_possibly: number
  /** Distinct identifiers among the events. */
  readonly identifiers: number
  readonly decisions: number
  readonly decisions_certainly: number
  readonly decisions_possibly: number
  /** First finished answers within the period that were forced already: no events. */
  readonly already_forced: number
  readonly explained: number
  readonly explained_late: number
  readonly unexplained: number
  readonly machine_to_forced: readonly MachineToForced<'events'>[]
  /** Events that forced another label than the machine's. */
  readonly against_machine: number
  /** Those of them whose machine confidence was 0.9 or more. */
  readonly against_machine_confidence_090: number
  readonly by_heuristic: readonly { readonly heuristic: string | null; readonly events: number }[]
  readonly by_source: readonly { readonly source: string | null; readonly events: number }[]
  /** By the Monday (UTC) of the week in which each was seen, without a gap. */
  readonly by_week: readonly { readonly week: string; readonly events: number; readonly decisions: number }[]
}
