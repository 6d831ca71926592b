import type { AsOf, Coverage, Gap, Period } from './report.ts'

/**
 * What keeps a report from being complete: each would let a change of force before the end of the period go unseen.
 * Decided by what the run sealed, and by nothing that may have changed since.
 */
export function coverageGaps(
  period: Period,
  asOf: Pick<AsOf, 'finished_at'>,
  coverage: Pick<
    Coverage,
    | 'observed_since'
    | 'confirmed_since'
    | 'unfinished_enqueued_since'
    | 'reanalyzing'
    | 'unsealed_runs'
    | 'pending'
    | 'missing'
    | 'quarantined'
  >,
): Gap[] {
  const { to } = period
  const { observed_since, confirmed_since, unfinished_enqueued_since, unsealed_runs } = coverage
  const gaps: Gap[] = []
  if (asOf.finished_at < to) {
    gaps.push({
      gap: 'period_not_over',
      statement: `The run that the report is as of ended at ${asOf.finished_at}, before the period ends at ${to}: what happened later is not in it.`,
    })
  }
  if (observed_since !== null && observed_since >= to) {
    gaps.push({
      gap: 'unobserved',
      statement: `Nobody was looking: the very first answer was received at ${observed_since}, after the period ends at ${to}. What was forced then could only be found forced later.`,
    })
  }
  if (unfinished_enqueued_since !== null && unfinished_enqueued_since < to) {
    gaps.push({
      gap: 'unfinished',
      statement: `Not every identifier enqueued before ${to} was finished or retired: the oldest without a result was enqueued at ${unfinished_enqueued_since} (in all ${coverage.pending} pending, ${coverage.missing} missing, ${coverage.quarantined} quarantined).`,
    })
  }
  // Before the end of the period nothing can have been asked after it.
  if (asOf.finished_at >= to && confirmed_since !== null && confirmed_since < to) {
    gaps.push({
      gap: 'unconfirmed',
      statement: `Not every finished identifier was asked for at ${to} or later: the oldest confirmation is of ${confirmed_since}.`,
    })
  }
  if (coverage.reanalyzing > 0) {
    gaps.push({
      gap: 'reanalyzing',
      statement: `Some finished identifiers (${coverage.reanalyzing}) were being analyzed again: what was forced meanwhile is seen when that ends.`,
    })
  }
  if (unsealed_runs > 0) {
    gaps.push({
      gap: 'unsealed',
      statement: `Other runs (${unsealed_runs}) were under way and had changed contents: what they saw is not in this report.`,
    })
  }
  return gaps
}

/** Whether a period begins before the very first answer: what was forced in between was found forced, and is no event. */
export function beginsUnobserved(
  { observed_since }: Pick<Coverage, 'observed_since'>,
  { from }: Pick<Period, 'from'>,
): boolean {
  return from !== null && observed_since !== null && from < observed_since
}
