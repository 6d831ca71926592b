import { type RawBuilder, sql } from 'kysely'

/** Priorities of tracked identifiers: higher is requested first. An INSERT may choose any other value. */
export const PRIORITY = {
  /** A refresh was requested: by `requeue` or `request_refresh`. */
  refreshRequested: 10,
  /** Not finished yet. */
  new: 0,
  /** Enqueued from a file. */
  bulk: -5,
  /** A same-file identifier has another forced label; the lowest priority that a fresh run requests. */
  sameFile: -7,
  /** Finished, and requested again because finished results can still change. */
  refresh: -10,
} as const

/** The lowest of a smallint: everything that is due. */
export const LOWEST_PRIORITY = -32_768

/**
 * The distinct priorities of one medium, from `least` up, as the recursive part of a statement. With them, the claim reads
 * the index only where rows are due. One ordered scan would read every row of a higher priority that is due later.
 * Kysely has no lateral subquery under a recursive one, so this is raw SQL.
 */
export function prioritiesFrom(media: string, least: number): RawBuilder<{ priority: number }> {
  return sql`priorities as (
      (select priority from identifai.identifiers
       where media = ${media} and priority >= ${least} and due_at is not null order by priority desc limit 1)
      union all
      select lower.priority from priorities cross join lateral (
        select priority from identifai.identifiers
        where media = ${media} and priority >= ${least} and due_at is not null and priority < priorities.priority
        order by priority desc limit 1) as lower
    )`
}
