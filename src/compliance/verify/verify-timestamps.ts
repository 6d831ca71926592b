import type { Kysely } from 'kysely'
import type { Certificate } from 'pkijs'
import { checkpointText } from '../../pipeline/seal/checkpoint.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { readByCursor } from '../../platform/postgres/read-by-cursor.ts'
import { signatureProblem } from '../timestamp/signature.ts'
import { decodeReply, isTimestampOf, type Timestamp } from '../timestamp/token.ts'
import { type Finding, finding } from './findings.ts'

/**
 * Compares each timestamp with the head of its run, within a transaction. With certificates of authorities, also verifies its
 * signature.
 *
 * @param firstRunId Names the chain in its checkpoints; empty when no run is sealed.
 */
export async function verifyTimestamps(
  trx: Kysely<Database>,
  firstRunId: string,
  authorities?: readonly Certificate[],
) {
  const findings: Finding[] = []
  let checked = 0
  let newest: { readonly chain_position: number; readonly time: Date } | null = null
  for await (const { chain_position, authority, token, chain_head } of readByCursor(trx, timestamps(trx))) {
    checked++
    const head = { size: chain_position, root: Buffer.from(chain_head ?? '', 'hex') }
    const checkpoint = checkpointText(firstRunId, head)
    const timestamp = decoded(token)
    const problem = await problemOf(timestamp, checkpoint, authorities)
    if (problem !== undefined) findings.push(finding(`timestamp by ${authority}`, problem, chain_position))
    else if (timestamp && (newest === null || timestamp.info.genTime > newest.time))
      newest = { chain_position, time: timestamp.info.genTime }
  }
  return { checked, newest, findings }
}

/** Every timestamp, with the head of its run; null when the run is missing. */
function timestamps(db: Kysely<Database>) {
  return db
    .selectFrom('identifai.chain_timestamps as t')
    .leftJoin('identifai.sync_runs as r', 'r.chain_position', 't.chain_position')
    .select(['t.chain_position', 't.authority', 't.token', 'r.chain_head'])
    .orderBy('t.chain_position')
    .orderBy('t.authority')
}

async function problemOf(
  timestamp: Timestamp | undefined,
  checkpoint: string,
  authorities: readonly Certificate[] | undefined,
): Promise<string | undefined> {
  if (timestamp === undefined) return 'cannot be read, because it was altered'
  if (!isTimestampOf(checkpoint, timestamp))
    return 'is not of the chain head at this position, because one of the two was altered or replaced'
  return authorities && signatureProblem(checkpoint, timestamp, authorities)
}

function decoded(token: Buffer): Timestamp | undefined {
  try {
    return decodeReply(token)
  } catch {
    return undefined
  }
}
