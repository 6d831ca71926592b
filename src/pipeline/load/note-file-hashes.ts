import { sql, type Transaction } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import type { Outcome } from './outcome.ts'

/**
 * Says in `last_error` of identifiers that have gone missing, or are refused for good, when they equal the hash of a
 * file that is known: both look alike, and somebody may have enqueued the one for the other.
 */
export async function noteFileHashes(
  trx: Transaction<Database>,
  outcomes: readonly Outcome[],
  media: string,
): Promise<void> {
  const unknown = outcomes.filter(isUnknownToApi).map(({ claim }) => claim.id)
  if (unknown.length === 0) return
  await trx
    .updateTable('identifai.identifiers as i')
    .set({ last_error: sql<string>`concat_ws(' ', i.last_error, ${HINT}::text)` })
    .where(sql<boolean>`i.id = any(${unknown}::bigint[])`)
    .where((eb) =>
      eb.exists(
        eb
          .selectFrom('identifai.classifications as c')
          .select('c.classification_id')
          .where('c.media', '=', media)
          .whereRef('c.file_hash', '=', 'i.identifier'),
      ),
    )
    .execute()
}

function isUnknownToApi(outcome: Outcome): boolean {
  if (outcome.kind === 'quarantined') return outcome.reason === 'refused_by_api'
  return outcome.ledger.state === 'missing'
}

const HINT =
  'It equals the hash of a file that was submitted: the hash may have been enqueued instead of the identifier.'
