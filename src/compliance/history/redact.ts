import { type Kysely, sql, type Transaction } from 'kysely'
import { recordAction } from '../../pipeline/queue/record-action.ts'
import { UsageError } from '../../platform/errors.ts'
import { timeText } from '../../platform/time.ts'
import type { Database } from '../../platform/postgres/database.ts'

/**
 * Removes what may be about a person from everything that is stored of one retired identifier. Its revisions stay, with
 * their labels, times and proofs, and so does the digest of every report. The keys of the result are those of the JSON
 * output.
 *
 * @throws UsageError when the identifier is not tracked, not retired, or was redacted before.
 */
export async function redact(
  db: Kysely<Database>,
  identifier: string,
  options: {
    readonly media: string
    readonly reason: string
    readonly author: string | null
    readonly isDryRun: boolean
  },
) {
  const trx = await db.startTransaction().execute()
  try {
    const { media, reason, author } = options
    const subject = { media, identifier, id: await lockRetired(trx, media, identifier) }
    const removed = await remove(trx, subject)
    const action = { identifiers: 1, classification_id: subject.id, author, reason }
    await recordAction(trx, { kind: 'redact', ...action })
    await (options.isDryRun ? trx.rollback() : trx.commit()).execute()
    return { identifier, classification_id: subject.id, ...removed }
  } catch (error) {
    await trx.rollback().execute()
    throw error
  }
}

async function lockRetired(trx: Transaction<Database>, media: string, identifier: string): Promise<number> {
  const row = await trx
    .selectFrom('identifai.identifiers')
    .select(['id', 'state', 'redacted_at'])
    .where('media', '=', media)
    .where('identifier', '=', identifier)
    .forUpdate()
    .executeTakeFirst()
  if (!row) {
    throw new UsageError(
      `${identifier} is not tracked, so nothing was removed.`,
      'Check its spelling. To see if it is tracked, run: identifai-sync explain <identifier>',
    )
  }
  if (row.state !== 'retired') {
    throw new UsageError(
      `${identifier} is still tracked (${row.state}), so nothing was removed. The next response would bring it back.`,
      'Retire it first: identifai-sync retire <identifier> --reason <text>',
    )
  }
  if (row.redacted_at !== null) {
    throw new UsageError(
      `${identifier} was redacted at ${timeText(row.redacted_at)}, so there is nothing to remove.`,
      'Nothing has to be done.',
    )
  }
  return row.id
}

interface Subject {
  readonly id: number
  readonly media: string
  readonly identifier: string
}

/** Removes the values, and returns how many rows of each kind had some. */
async function remove(trx: Transaction<Database>, { id, media, identifier }: Subject) {
  const values = await trx
    .deleteFrom('identifai.personal_values')
    .where('classification_id', '=', id)
    .executeTakeFirst()
  const payloads = await trx
    .deleteFrom('identifai.revision_payloads')
    .where('classification_id', '=', id)
    .executeTakeFirst()
  const quarantined = await trx
    .deleteFrom('identifai.quarantined_payloads')
    .where('media', '=', media)
    .where('identifier', '=', identifier)
    .executeTakeFirst()
  await trx.updateTable('identifai.schema_drift').set({ sample: null }).where('sample_of', '=', id).execute()
  await trx
    .updateTable('identifai.classifications')
    .set({ name: null, ref_id: null, result_url: null, extra: null, unstorable: null })
    .where('classification_id', '=', id)
    .execute()
  await trx
    .updateTable('identifai.identifiers')
    .set({
      source: null,
      last_error: null,
      record_digest: null,
      redacted_at: sql<Date>`now()`,
      // Copies of the reporting views learn of the removal by it.
      changed_at: sql<Date>`identifai.next_change()`,
    })
    .where('id', '=', id)
    .execute()
  return {
    /** Revisions whose personal values were removed. */
    revisions: Number(values.numDeletedRows),
    payloads: Number(payloads.numDeletedRows),
    quarantined: Number(quarantined.numDeletedRows),
  }
}
