import { type Kysely, sql, type Transaction } from 'kysely'
import type { Pool } from 'pg'
import type { Database } from '../../platform/postgres/database.ts'
import type { Endpoint } from '../../media/endpoint.ts'
import { type CopyTransaction, withTransaction } from '../load/with-transaction.ts'
import { type Content, replaceContent } from '../load/write-content.ts'
import { type Difference, differences } from './differences.ts'
import { readContents, type StoredClassification } from './read-contents.ts'

/** What today's contract and normalizer make of one kept record, held against what the tables hold. */
export type Replayed = { readonly identifier: string } & (
  | { readonly kind: 'same' }
  | { readonly kind: 'changed'; readonly differences: readonly Difference[]; readonly content: Content }
  /** The record breaks today's contract: its rows are left as they are. */
  | { readonly kind: 'rejected' }
  /** The record is not kept any more. */
  | { readonly kind: 'without_payload' }
)

/** Normalizes the kept records of these classifications anew. Writes nothing. */
export async function replayPage(
  db: Kysely<Database>,
  ids: readonly number[],
  endpoint: Endpoint,
): Promise<Replayed[]> {
  return (await readContents(db, ids)).map((stored) => replayOne(stored, endpoint))
}

/** The same, and writes the rows that differ; history stays as it is, because nothing new was seen. */
export async function rewritePage(
  pool: Pool,
  ids: readonly number[],
  endpoint: Endpoint,
): Promise<Replayed[]> {
  return withTransaction(pool, async (transaction: CopyTransaction) => {
    await lockIdentifierTable(transaction.trx, ids)
    const replayed = await replayPage(transaction.trx, ids, endpoint)
    const changed = replayed.flatMap((one) => (one.kind === 'changed' ? [one.content] : []))
    await replaceContent(transaction, changed)
    return replayed
  })
}

/** Whoever loads an answer locks these rows, too, in the same order: neither overwrites the other. */
async function lockIdentifierTable(trx: Transaction<Database>, ids: readonly number[]): Promise<void> {
  await trx
    .selectFrom('identifai.identifiers')
    .select('id')
    .where(sql<boolean>`id = any(${ids}::bigint[])`)
    .orderBy('id')
    .forUpdate()
    .execute()
}

function replayOne({ id, row, rows, payload }: StoredClassification, endpoint: Endpoint): Replayed {
  const { identifier } = row
  if (payload === null) return { identifier, kind: 'without_payload' }
  const validation = endpoint.validate(payload)
  if (!validation.accepted) return { identifier, kind: 'rejected' }
  const now = endpoint.normalize(id, validation.classification)
  const found = differences(rows, now)
  if (found.length === 0) return { identifier, kind: 'same' }
  // The link was brought up to date since the record came.
  const { result_url } = row
  const content = { row: { ...row, ...now.classification, result_url }, rows: now }
  return { identifier, kind: 'changed', differences: found, content }
}
