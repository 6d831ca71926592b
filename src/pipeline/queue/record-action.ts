import type { Kysely } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import type { ActionKind } from '../../platform/postgres/tables/history.ts'

/** The person who decided, and the reason; null when not given. */
export interface Motive {
  readonly author: string | null
  readonly reason: string | null
}

/**
 * Records an action, within its transaction and as its last statement. The chain stays locked until the transaction ends. The
 * next run seals it. An action that concerned no identifier leaves no trace.
 */
export async function recordAction(
  trx: Kysely<Database>,
  action: Motive & {
    readonly kind: ActionKind
    readonly identifiers: number
    /** The one identifier that was redacted. */
    readonly classification_id?: number
  },
): Promise<void> {
  if (action.identifiers > 0) await trx.insertInto('identifai.actions').values(action).execute()
}
