import { type Kysely, sql, type Transaction } from 'kysely'
import type { ConnectionPool } from '../../platform/postgres/connect.ts'
import { ENDPOINTS } from '../../media/registry.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { withTransaction } from '../load/copy.ts'
import { type Content, replaceContent } from '../load/write-content.ts'
import { type Difference, differences, rowsOf } from './differences.ts'
import { readStored, type StoredClassification } from './read-stored.ts'

/** The result of normalizing one stored payload again, compared with the rows in the tables. */
export type Replayed = { readonly identifier: string; readonly media: string } & (
  | { readonly kind: 'same' }
  | { readonly kind: 'changed'; readonly differences: readonly Difference[]; readonly content: Content }
  /** The record breaks the current contract: its rows stay as they are. */
  | { readonly kind: 'rejected' }
  /** The payload was pruned. */
  | { readonly kind: 'without_payload' }
)

/** Normalizes the payloads of these classifications again. Writes nothing. */
export async function replayPage(db: Kysely<Database>, ids: readonly number[]): Promise<Replayed[]> {
  return (await readStored(db, ids)).map(replayOne)
}

/** The same, and writes the rows that differ. History stays as it is, because nothing new was observed. */
export async function rewritePage(pool: ConnectionPool, ids: readonly number[]): Promise<Replayed[]> {
  return withTransaction(pool, async (transaction) => {
    await lockIdentifiers(transaction.trx, ids)
    const replayed = await replayPage(transaction.trx, ids)
    for (const endpoint of ENDPOINTS) {
      const changed = replayed.flatMap((one) =>
        one.kind === 'changed' && one.media === endpoint.media ? [one.content] : [],
      )
      await replaceContent(transaction, endpoint, changed)
    }
    await noteChange(transaction.trx, replayed)
    return replayed
  })
}

/** Locks the rows that loading a record locks, too, in the same order, so that neither overwrites the other. */
async function lockIdentifiers(trx: Transaction<Database>, ids: readonly number[]): Promise<void> {
  await trx
    .selectFrom('identifai.identifiers')
    .select('id')
    .where(sql<boolean>`id = any(${ids}::bigint[])`)
    .orderBy('id')
    .forUpdate()
    .execute()
}

async function noteChange(trx: Transaction<Database>, replayed: readonly Replayed[]): Promise<void> {
  const ids = replayed.flatMap((one) => (one.kind === 'changed' ? [one.content.row.classification_id] : []))
  if (ids.length === 0) return
  await trx
    .updateTable('identifai.identifiers')
    .set({ changed_at: sql<Date>`(select identifai.next_change())` })
    .where(sql<boolean>`id = any(${ids}::bigint[])`)
    .execute()
}

function replayOne({ endpoint, row, rows, payload }: StoredClassification): Replayed {
  const { identifier, media } = row
  if (payload === null) return { identifier, media, kind: 'without_payload' }
  const validation = endpoint.validate(payload)
  if (!validation.accepted) return { identifier, media, kind: 'rejected' }
  const now = endpoint.normalize(row.classification_id, validation.classification)
  const found = differences(rows, rowsOf(now))
  if (found.length === 0) return { identifier, media, kind: 'same' }
  // The stored link may be newer than the payload.
  const { result_url } = row
  const content = { row: { ...row, ...now.classification, result_url }, children: now.children }
  return { identifier, media, kind: 'changed', differences: found, content }
}
