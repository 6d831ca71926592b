import { type Kysely, type RawBuilder, sql } from 'kysely'
import { LAST_KNOWN_AT } from '../../../pipeline/run/tracked-totals.ts'
import { ReportRefusedError } from '../../../platform/errors.ts'
import type { Database } from '../../../platform/postgres/database.ts'
import { count, counted } from '../../../platform/terminal/text.ts'
import type { GapKind, Report } from '../schema.ts'

/** Identifiers that a refusal names. */
const NAMED = 5

/** Throws a ReportRefusedError for a report that is not complete: each gap, its identifiers now, and the next step. */
export async function refuseIncomplete(db: Kysely<Database>, { head }: Report): Promise<void> {
  const { gaps } = head.coverage
  if (gaps.length === 0) return
  const lines = []
  for (const { gap, statement } of gaps) lines.push(`- ${statement}`, `  ${await REMEDIES[gap](db, head)}`)
  throw new ReportRefusedError(
    `The report was not made, because it would not be complete.\n${lines.join('\n')}`,
    'To make it with these gaps stated in its head, add --allow-incomplete.',
  )
}

type Remedy = (db: Kysely<Database>, head: Report['head']) => string | Promise<string>

/** The last response had it, without a result. */
const IS_BEING_ANALYZED = sql`(state = 'pending' and last_requested_at is not null and attempts = 0 and absences = 0
  and last_error is null)`

const NONE = 'There is none any more.'

const STUCK_HINT =
  ' List them with identifai-sync status --stuck. Retire those that will never have a result.'

const AFTER_A_RUN = 'Run identifai-sync sync --refresh-all, and give no --as-of or one after that run.'

/** The next step after each gap. */
const REMEDIES: { readonly [Kind in GapKind]: Remedy } = {
  period_not_over: () =>
    'Run identifai-sync sync after the end of the period, or give an earlier --to, or none.',
  unobserved: () => 'Give a later --to, because there is nothing to report before the first response.',
  unfinished: async (db, { media, period }) => {
    const condition = sql`state in ('pending', 'missing', 'quarantined') and ${LAST_KNOWN_AT} < ${period.to}`
    const waiting = await countIdentifiers(db, media, sql`${condition} and ${IS_BEING_ANALYZED}`)
    const others = sql`${condition} and not ${IS_BEING_ANALYZED}`
    const stuck = await describeIdentifiers(db, media, others, STUCK_HINT)
    if (waiting === 0) return `${stuck} ${AFTER_A_RUN}`
    const wait = `${counted(waiting, 'identifier')} still being analyzed. Wait until a run has requested the results: identifai-sync status shows when the next ones are due. Then give no --as-of.`
    return stuck === NONE ? wait : `${wait} ${stuck} ${AFTER_A_RUN}`
  },
  unconfirmed: async (db, { media, period }) => {
    const condition = sql`state in ('done', 'errored') and last_confirmed_at < ${period.to}`
    return `${await describeIdentifiers(db, media, condition)} ${AFTER_A_RUN}`
  },
  reanalyzing: () =>
    'Run identifai-sync sync when the analyses have ended, and give no --as-of or one after that run.',
  unsealed: () =>
    'Wait until the other run has ended, and give no --as-of or one after its end. Or give one before its start.',
}

async function countIdentifiers(
  db: Kysely<Database>,
  media: string,
  condition: RawBuilder<unknown>,
): Promise<number> {
  const { identifiers } = await db
    .selectFrom('identifai.identifiers')
    .select(({ fn }) => fn.countAll<number>().as('identifiers'))
    .where('media', '=', media)
    .where(sql<boolean>`(${condition})`)
    .executeTakeFirstOrThrow()
  return identifiers
}

/** The number of identifiers that match, and the first of them, with a hint where there are any. */
async function describeIdentifiers(
  db: Kysely<Database>,
  media: string,
  condition: RawBuilder<unknown>,
  hint = '',
): Promise<string> {
  const rows = await db
    .selectFrom('identifai.identifiers')
    .select(['identifier', sql<number>`count(*) over ()`.as('total')])
    .where('media', '=', media)
    .where(sql<boolean>`(${condition})`)
    .orderBy('id')
    .limit(NAMED)
    .execute()
  const total = rows[0]?.total ?? 0
  if (total === 0) return NONE
  const more = total > rows.length ? `, and ${count(total - rows.length)} more` : ''
  return `${counted(total, 'identifier')} now: ${rows.map(({ identifier }) => identifier).join(', ')}${more}.${hint}`
}
