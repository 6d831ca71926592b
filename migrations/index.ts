import type { Migration } from 'kysely/migration'
import * as queue from './0001-queue.ts'
import * as runs from './0002-runs.ts'
import * as classifications from './0003-classifications.ts'
import * as history from './0004-history.ts'
import * as chain from './0005-chain.ts'
import * as quota from './0006-quota.ts'
import * as reportingClassifications from './0007-reporting-classifications.ts'
import * as reportingResults from './0008-reporting-results.ts'
import * as reportingHistory from './0009-reporting-history.ts'
import * as reportingForces from './0010-reporting-forces.ts'
import * as reportingAggregates from './0011-reporting-aggregates.ts'

/** Every migration, in order. Names are frozen, because databases record them. */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001-queue': queue,
  '0002-runs': runs,
  '0003-classifications': classifications,
  '0004-history': history,
  '0005-chain': chain,
  '0006-quota': quota,
  '0007-reporting-classifications': reportingClassifications,
  '0008-reporting-results': reportingResults,
  '0009-reporting-history': reportingHistory,
  '0010-reporting-forces': reportingForces,
  '0011-reporting-aggregates': reportingAggregates,
}
