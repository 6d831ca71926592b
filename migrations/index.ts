import type { Migration } from 'kysely/migration'
import * as ledger from './0001-ledger.ts'
import * as runs from './0002-runs.ts'
import * as classifications from './0003-classifications.ts'
import * as history from './0004-history.ts'
import * as evidence from './0005-evidence.ts'
import * as quota from './0006-quota.ts'
import * as overrideNotes from './0007-override-notes.ts'
import * as chain from './0008-chain.ts'

/** Every migration, in order. Names are frozen: databases remember them. */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001-ledger': ledger,
  '0002-runs': runs,
  '0003-classifications': classifications,
  '0004-history': history,
  '0005-evidence': evidence,
  '0006-quota': quota,
  '0007-override-notes': overrideNotes,
  '0008-chain': chain,
}
