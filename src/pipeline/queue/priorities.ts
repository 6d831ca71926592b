import { type RawBuilder, sql } from 'kysely'

/**
 * The distinct priorities, from `least` up, of what is to be asked at all, as the recursive part of a statement: the
 * index is then read only where rows are due. One ordered scan would wade through everything of a higher priority
 * that is due later. Raw SQL: Kysely has no word for a lateral subquery under a recursive one.
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
