import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import type { Claim } from './claim.ts'

/** A claim that is given back, and what the lost ask costs it; `undefined` when no ask was lost. */
export interface Release {
  readonly claim: Claim
  readonly failure?: { readonly message: string; readonly dueAfterSeconds: number }
}

/** Gives claims back without an outcome: state and counters stay, but for a lost ask. Skips what is not ours any more. */
export async function releaseClaims(
  db: Kysely<Database>,
  runId: string,
  releases: readonly Release[],
): Promise<void> {
  if (releases.length === 0) return
  const ids = releases.map(({ claim }) => claim.id)
  // Locked in id order, as everybody locks them. Kysely has no word for unnest over several arrays.
  await sql`
    with mine as (
      select id from identifai.identifiers
      where id = any(${ids}::bigint[]) and leased_by = ${runId} order by id for update
    )
    update identifai.identifiers as i set
      lease_until = null, leased_by = null,
      attempts = i.attempts + case when r.failure is null then 0 else 1 end,
      last_error = coalesce(r.failure, i.last_error),
      due_at = case when r.failure is null then i.due_at
                    else now() + make_interval(secs => r.due_after_seconds) end
    from mine join unnest(
      ${ids}::bigint[],
      ${releases.map(({ claim }) => claim.claimNo)}::integer[],
      ${releases.map(({ failure }) => failure?.message ?? null)}::text[],
      ${releases.map(({ failure }) => failure?.dueAfterSeconds ?? null)}::double precision[]
    ) as r (id, claim_no, failure, due_after_seconds) using (id)
    where i.id = mine.id and i.claim_no = r.claim_no`.execute(db)
}
