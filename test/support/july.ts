import { type ReportRequest, readReport } from '../../src/compliance/report/read/read-report.ts'
import type { Report } from '../../src/compliance/report/schema.ts'
import type { DescribedRevision } from './seal-history.ts'
import type { TestDatabase } from './test-database.ts'

/** A time in July 2026. */
export const at = (day: number, hour = 0) =>
  `2026-07-${String(day).padStart(2, '0')}T${String(hour).padStart(2, '0')}:00:00.000000Z`

/** The first records of identifiers, not forced, on the first of July. */
export const firstRevision = (
  ids: readonly number[],
  more: Partial<DescribedRevision> = {},
): DescribedRevision[] =>
  ids.map((id) => ({
    classification_id: id,
    revision_no: 1,
    observed_at: at(1),
    causes: ['first_seen'],
    ...more,
  }))

/** The second revision of an identifier, forced between two times. */
export const forced = (
  id: number,
  from: string,
  to: string,
  more: Partial<DescribedRevision> = {},
): DescribedRevision => ({
  classification_id: id,
  revision_no: 2,
  previous_confirmed_at: from,
  observed_at: to,
  causes: ['forced'],
  force_classification: 'human',
  ...more,
})

/** The report on the days from the 10th to the 20th of July, or on another period. */
export const reportOnJuly = (db: TestDatabase['db'], request: Partial<ReportRequest> = {}): Promise<Report> =>
  readReport(db, { media: 'audio', from: at(10), to: at(20), asOf: null, ...request })
