import type { Kysely } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import type { Given } from './findings.ts'
import { inSnapshot, verifySnapshot } from './verify-chain.ts'
import { verifyDefinitions } from './verify-definitions.ts'
import { verifyTables } from './verify-tables.ts'

export type DatabaseVerification = Awaited<ReturnType<typeof verifyDatabase>>

interface Options extends Given {
  /** Also compares the data tables with history, and the views, functions and triggers with the migrations. */
  readonly tables?: boolean | undefined
  /** Prepares the snapshot; nothing is verified when it throws. */
  readonly prepare?: (trx: Kysely<Database>) => Promise<Kysely<Database>>
  /** Receives the number of classifications that have been compared. */
  readonly onProgress?: (classifications: number) => void
}

/** Verifies the history, and with `tables` everything that follows from it. The keys of the result are those of the JSON output. */
export async function verifyDatabase(
  db: Kysely<Database>,
  { tables: isWhole = false, prepare = async (trx) => trx, onProgress, ...given }: Options = {},
) {
  const { chain, rows } = await inSnapshot(db, async (snapshot) => {
    const trx = await prepare(snapshot)
    return {
      chain: await verifySnapshot(trx, given),
      rows: isWhole ? await verifyTables(trx, onProgress) : null,
    }
  })
  const definitions = isWhole ? await verifyDefinitions(db) : null
  return {
    ...chain,
    /** Null when the tables were not compared. */
    tables: rows && {
      /** Classifications whose rows were compared. */
      ...rows.counts,
      /** Views, functions and triggers that were compared; null where the role or the server does not allow it. */
      definitions: definitions?.checked ?? null,
    },
    findings: [chain, rows, definitions].flatMap((part) => part?.findings ?? []),
  }
}
