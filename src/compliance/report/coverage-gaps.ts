import { timeText } from '../../platform/time.ts'
import { type AsOf, type Coverage, GAP_KINDS, type GapKind, type Period } from './schema.ts'

type Covered = Pick<Coverage, 'observed_since' | 'confirmed_since' | 'unfinished_since'> &
  Pick<Coverage, 'pending' | 'missing' | 'quarantined' | 'reanalyzing' | 'unsealed_runs'>

/**
 * The reasons why a report is not complete: each can hide a change of force before the end of the period. They follow
 * from what the run sealed, and from nothing that may have changed since.
 */
export function coverageGaps(
  { to }: Period,
  { finished_at }: Pick<AsOf, 'finished_at'>,
  coverage: Covered,
): Coverage['gaps'] {
  return GAP_KINDS.flatMap((gap) => {
    const statement = STATEMENT_OF[gap]({ ...coverage, finished_at, to })
    return statement === undefined ? [] : [{ gap, statement }]
  })
}

type GapFacts = Covered & Pick<AsOf, 'finished_at'> & Pick<Period, 'to'>

/** The statement of each gap; undefined where there is none. */
const STATEMENT_OF: { readonly [Kind in GapKind]: (facts: GapFacts) => string | undefined } = {
  period_not_over: ({ finished_at, to }) =>
    finished_at < to
      ? `The run that the report describes ended before the end of the period at ${timeText(to, 'none')}. Later changes are not in the report.`
      : undefined,
  unobserved: ({ observed_since, to }) =>
    observed_since !== null && observed_since >= to
      ? `The first response was received after the end of the period at ${timeText(to, 'none')}. Changes before the first response cannot be observed, so the report has no events.`
      : undefined,
  unfinished: ({ unfinished_since, to, pending, missing, quarantined }) =>
    unfinished_since !== null && unfinished_since < to
      ? `Some identifiers had no current result, and were not retired. They were enqueued, or last confirmed, before ${timeText(to, 'none')}. The oldest time is ${timeText(unfinished_since)}. In total, ${pending} were pending, ${missing} missing and ${quarantined} quarantined.`
      : undefined,
  // A run that ended before the period cannot have requested anything after it: that is period_not_over alone.
  unconfirmed: ({ finished_at, confirmed_since, to }) =>
    finished_at >= to && confirmed_since !== null && confirmed_since < to
      ? `Some finished identifiers were last confirmed before ${timeText(to, 'none')}. The oldest confirmation is of ${timeText(confirmed_since)}.`
      : undefined,
  reanalyzing: ({ reanalyzing }) =>
    reanalyzing > 0
      ? `Some finished identifiers (${reanalyzing}) were being analyzed again. Changes of their forced labels are observed when the analysis ends.`
      : undefined,
  unsealed: ({ unsealed_runs }) =>
    unsealed_runs > 0
      ? `Other runs (${unsealed_runs}) were in progress and had changed contents. Their changes are not in the report.`
      : undefined,
}

/** Returns whether a period begins before the first response. A label that was forced in between is no event. */
export function beginsUnobserved(
  { observed_since }: Pick<Coverage, 'observed_since'>,
  { from }: Pick<Period, 'from'>,
): boolean {
  return from !== null && observed_since !== null && from < observed_since
}
