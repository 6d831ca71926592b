import type { Kysely } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import { distributedTables, waitForWorkers } from '../../platform/postgres/citus.ts'
import { findUnprotectedHistory } from '../../platform/postgres/unprotected-history.ts'
import { type Finding, finding, type Given } from './findings.ts'
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

/**
 * Verifies the history, and with `tables` everything that follows from it. On a cluster, each node has a snapshot of its own,
 * some milliseconds apart. So a finding counts there only if a second reading has it, too. The keys of the result are those
 * of the JSON output.
 */
export async function verifyDatabase(db: Kysely<Database>, options: Options = {}) {
  const first = await verifyOnce(db, options)
  if (first.findings.length === 0 || (await distributedTables(db)).length === 0) return first
  await waitForWorkers(db)
  const second = await verifyOnce(db, options)
  const found = new Set(first.findings.map(nameOf))
  return { ...second, findings: second.findings.filter((one) => found.has(nameOf(one))) }
}

function nameOf({ what, problem }: Finding): string {
  return `${what} ${problem}`
}

async function verifyOnce(
  db: Kysely<Database>,
  { tables: isWhole = false, prepare = async (trx) => trx, onProgress, ...given }: Options,
) {
  const { chain, rows } = await inSnapshot(db, async (snapshot) => {
    const trx = await prepare(snapshot)
    return {
      chain: await verifySnapshot(trx, given),
      rows: isWhole ? await verifyTables(trx, onProgress) : null,
    }
  })
  const definitions = isWhole ? await verifyDefinitions(db) : null
  const privileges = await verifyPrivileges(db)
  return {
    ...chain,
    /** Null when the tables were not compared. */
    tables: rows && {
      /** Classifications whose rows were compared. */
      ...rows.counts,
      /** Views, functions and triggers that were compared; null where the role or the server does not allow it. */
      definitions: definitions?.checked ?? null,
    },
    findings: [...[chain, rows, definitions].flatMap((part) => part?.findings ?? []), ...privileges],
  }
}

/** On a cluster, where history has no triggers: names each table and shard that others than its owner can change. */
async function verifyPrivileges(db: Kysely<Database>): Promise<Finding[]> {
  const unprotected = await findUnprotectedHistory(db)
  return unprotected.map(({ node, table, problem }) =>
    finding(`table identifai.${table} of ${node}`, problem),
  )
}
