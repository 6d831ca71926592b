import type { Migration } from 'kysely/migration'
import * as ledger from './0001-queue.ts'
import * as runs from './0002-runs.ts'
import * as classifications from './0003-classifications.ts'
import * as history from './0004-history.ts'
import * as evidence from './0005-evidence.ts'
import * as quota from './0006-quota.ts'
import * as overrideNotes from './0007-override-notes.ts'
import * as chain from './0005-chain.ts'
import * as reportingIdentifiers from './0009-reporting-ledger.ts'
import * as reportingClassifications from './0007-reporting-classifications.ts'
import * as reportingVerdicts from './0008-reporting-results.ts'
import * as reportingModelResults from './0012-reporting-model-results.ts'
import * as reportingClips from './0013-reporting-clips.ts'
import * as reportingHistory from './0009-reporting-history.ts'
import * as reportingForce from './0010-reporting-forces.ts'
import * as reportingAggregates from './0011-reporting-aggregates.ts'
import * as reviewWorklist from './0017-review-worklist.ts'
import * as dataDictionary from './0018-data-dictionary.ts'

/** Every migration, in order. Names are frozen: databases remember them. */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001-queue': ledger,
  '0002-runs': runs,
  '0003-classifications': classifications,
  '0004-history': history,
  '0005-evidence': evidence,
  '0006-quota': quota,
  '0007-override-notes': overrideNotes,
  '0005-chain': chain,
  '0009-reporting-ledger': reportingIdentifiers,
  '0007-reporting-classifications': reportingClassifications,
  '0008-reporting-results': reportingVerdicts,
  '0012-reporting-model-results': reportingModelResults,
  '0013-reporting-clips': reportingClips,
  '0009-reporting-history': reportingHistory,
  '0010-reporting-forces': reportingForce,
  '0011-reporting-aggregates': reportingAggregates,
  '0017-review-worklist': reviewWorklist,
  '0018-data-dictionary': dataDictionary,
}
