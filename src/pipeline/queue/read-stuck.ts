import type { Kysely } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import type { IdentifierState } from '../../platform/postgres/tables/identifiers.ts'

/** An identifier that does not come on, and why. The keys are those of the JSON output. */
export interface Stuck {
  readonly identifier: string
  readonly state: IdentifierState
  /** Asks lost in a row, and answers in a row that left it out. */
  readonly attempts: number
  readonly absences: number
  readonly last_requested_at: Date | null
  readonly due_at: Date | null
  readonly last_error: string | null
}

/** What is quarantined or missing, or went wrong when it was asked last; the worst first, then the longest waiting. */
export async function readStuck(db: Kysely<Database>, limit: number): Promise<Stuck[]> {
  return db
    .selectFrom('identifai.identifiers')
    .select(['identifier', 'state', 'attempts', 'absences', 'last_requested_at', 'due_at', 'last_error'])
    .where((eb) =>
      eb.or([
        eb('state', 'in', ['quarantined', 'missing']),
        eb.and([eb('last_error', 'is not', null), eb('state', '<>', 'retired')]),
      ]),
    )
    .orderBy((eb) => eb.case('state').when('quarantined').then(0).when('missing').then(1).else(2).end())
    .orderBy('enqueued_at')
    .orderBy('id')
    .limit(limit)
    .execute()
}
