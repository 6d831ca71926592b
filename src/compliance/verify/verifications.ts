import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import { printable } from '../../platform/text.ts'
import type { DatabaseTime } from '../../platform/time.ts'
import type { DatabaseVerification } from './verify-database.ts'

/** Findings that a row lists. */
const LISTED = 5

/** Stores the result of a verification for `status` and the metrics. */
export async function recordVerification(
  db: Kysely<Database>,
  startedAt: DatabaseTime,
  { runs, chain_head, tables, findings }: DatabaseVerification,
): Promise<void> {
  const first = findings.slice(0, LISTED).map(({ what, problem }) => printable(`${what} ${problem}.`))
  await db
    .insertInto('identifai.verifications')
    .values({
      started_at: startedAt,
      runs,
      chain_head,
      classifications: tables?.classifications ?? 0,
      findings: findings.length,
      first_findings: first.length === 0 ? null : first.join('\n'),
    })
    .execute()
}

export type LastVerification = Awaited<ReturnType<typeof readLastVerification>>

/** The latest verification, with the seconds since its start; null before the first. */
export async function readLastVerification(db: Kysely<Database>) {
  const last = await db
    .selectFrom('identifai.verifications')
    .selectAll()
    .select(
      sql<number>`extract(epoch from clock_timestamp() - started_at)::double precision`.as('seconds_ago'),
    )
    .orderBy('started_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return last ?? null
}
