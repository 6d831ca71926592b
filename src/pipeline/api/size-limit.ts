import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'

/** A limit is forgotten after this time, because a proxy or its configuration can change. */
const KEPT_FOR_DAYS = 7

const isKept = sql<boolean>`api_size_limits.learned_at > now() - make_interval(days => ${KEPT_FOR_DAYS})`

/** The longest request target, in bytes, that an earlier run learned from a 413 or 414; undefined when none did. */
export async function readSizeLimit(db: Kysely<Database>, apiUrl: string): Promise<number | undefined> {
  const row = await db
    .selectFrom('identifai.api_size_limits')
    .select('max_url_bytes')
    .where('api_url', '=', apiUrl)
    .where(isKept)
    .executeTakeFirst()
  return row?.max_url_bytes
}

/** Stores a limit for later runs. A shorter limit of another run stays. */
export async function storeSizeLimit(
  db: Kysely<Database>,
  apiUrl: string,
  maxUrlBytes: number,
): Promise<void> {
  await sql`
    insert into identifai.api_size_limits (api_url, max_url_bytes) values (${apiUrl}, ${maxUrlBytes})
    on conflict (api_url) do update set
      max_url_bytes = case when ${isKept} then least(api_size_limits.max_url_bytes, excluded.max_url_bytes)
        else excluded.max_url_bytes end,
      learned_at = now()`.execute(db)
}
