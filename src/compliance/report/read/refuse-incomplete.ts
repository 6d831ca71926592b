import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import { ReportRefusedError } from '../../platform/errors.ts'
import type { Gap, Report } from './report.ts'

/** Identifiers that a refusal names. */
const NAMED = 5

const NONE_LEFT = 'By now there is none left.'

const AFTER_A_RUN = 'Run a pass (identifai-sync sync --refresh-all), and give no --as-of or one after it.'

/**
 * Refuses a report that would not have everything.
 *
 * @throws ReportRefusedError that says what is short, what of it is short at this moment, and what to do.
 */
export async function refuseIncomplete(db: Kysely<Database>, { head }: Report): Promise<void> {
  const { gaps } = head.coverage
  if (gaps.length === 0) return
  const lines = []
  for (const gap of gaps) lines.push(`- ${gap.statement}`, `  ${await remedy(db, gap, head)}`)
  throw new ReportRefusedError(
    `The report would not be complete, so it was not made.\n${lines.join('\n')}\nOr have it made with these gaps stated in its head: --allow-incomplete.`,
  )
}

async function remedy(
  db: Kysely<Database>,
  { gap }: Gap,
  { media, period }: Report['head'],
): Promise<string> {
  switch (gap) {
    case 'period_not_over':
      return 'Run a pass after the end of the period, or give an earlier --to.'
    case 'unobserved':
      return 'Give a later --to: before, there is nothing to report on.'
    case 'unfinished': {
      const short = await readShort(
        db,
        media,
        sql`state in ('pending', 'missing', 'quarantined') and enqueued_at < ${period.to}`,
      )
      const hint =
        short === null
          ? ''
          : ' See identifai-sync status --stuck; retire what will never be answered, with its reason.'
      return `${short ?? NONE_LEFT}${hint} ${AFTER_A_RUN}`
    }
    case 'unconfirmed': {
      const short = await readShort(
        db,
        media,
        sql`state in ('done', 'errored') and last_confirmed_at < ${period.to}`,
      )
      return `${short ?? NONE_LEFT} ${AFTER_A_RUN}`
    }
    case 'reanalyzing':
      return 'Run a pass when the analyses have ended, and give no --as-of or one after it.'
    case 'unsealed':
      return 'When the other pass has ended, give no --as-of, or one after its end; or one before it began.'
  }
}

async function readShort(
  db: Kysely<Database>,
  media: string,
  isShort: ReturnType<typeof sql>,
): Promise<string | null> {
  const rows = await db
    .selectFrom('identifai.identifiers')
    .select(['identifier', sql<number>`count(*) over ()`.as('total')])
    .where('media', '=', media)
    .where(sql<boolean>`(${isShort})`)
    .orderBy('id')
    .limit(NAMED)
    .execute()
  const total = rows[0]?.total ?? 0
  if (total === 0) return null
  const more = total > rows.length ? `, and ${total - rows.length} more` : ''
  return `At this moment ${total}: ${rows.map(({ identifier }) => identifier).join(', ')}${more}.`
}
