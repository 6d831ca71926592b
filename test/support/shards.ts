import { Client } from 'pg'
import type { TestDatabase } from './test-database.ts'

/** One session on a worker that sees shards as tables. */
export interface WorkerSession extends AsyncDisposable {
  readonly client: Client
  /** The shards of a table that this worker has, with their schema. */
  readonly shardsOf: (table: string) => Promise<string[]>
}

/** Opens a session on the first worker. */
export async function openWorker(
  { workerUrls }: TestDatabase,
  credentials: { readonly user?: string; readonly password?: string } = {},
): Promise<WorkerSession> {
  const url = new URL(workerUrls[0] as string)
  url.username = encodeURIComponent(credentials.user ?? decodeURIComponent(url.username))
  url.password = credentials.password ?? url.password
  const client = new Client({ connectionString: url.href })
  await client.connect()
  await client.query('set citus.override_table_visibility = off')
  return {
    client,
    shardsOf: async (table) => {
      const { rows } = await client.query<{ name: string }>(
        `select 'identifai.' || relname as name from pg_class
         where relnamespace = 'identifai'::regnamespace and relkind = 'r' and relname ~ $1 order by 1`,
        [`^${table}_[0-9]+$`],
      )
      return rows.map(({ name }) => name)
    },
    [Symbol.asyncDispose]: () => client.end(),
  }
}
