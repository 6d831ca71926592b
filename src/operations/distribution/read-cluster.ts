import { type Kysely, sql } from 'kysely'
import { DATA_TABLE_NAMES } from '../../media/registry.ts'
import { hasCitus, onWorkers } from '../../platform/postgres/citus.ts'
import type { Database } from '../../platform/postgres/database.ts'

/** The nodes of a cluster, as the coordinator knows them. */
export interface Cluster {
  /** Version of the extension, `13.2-1`. */
  readonly version: string
  readonly isCoordinator: boolean
  readonly coordinator: Node
  /** The nodes that get shards. */
  readonly workers: readonly Node[]
  /** Bytes of the data tables with their indexes, wherever they are. */
  readonly bytes: number
}

export interface Node {
  /** Address and port. */
  readonly name: string
  readonly freeBytes: number
  /** The roles of the server. */
  readonly roles: readonly string[]
  /** Transactions that it can prepare; 0 means that it takes part in no distributed transaction. */
  readonly maxPrepared: number
}

const NODE = `select json_build_object('freeBytes', (select available_disk_size from pg_catalog.citus_local_disk_space_stats()),
  'roles', (select json_agg(rolname) from pg_catalog.pg_roles),
  'maxPrepared', current_setting('max_prepared_transactions')::integer)::text`

/**
 * Reads the cluster; undefined on a server without Citus.
 *
 * @throws DatabaseError when a worker cannot be reached by the current role.
 */
export async function readCluster(db: Kysely<Database>): Promise<Cluster | undefined> {
  if (!(await hasCitus(db))) return undefined
  const { rows } = await sql<{ version: string; isCoordinator: boolean; node: string }>`
    select extversion as version, pg_catalog.citus_is_coordinator() as "isCoordinator",
      (${sql.raw(NODE)}) as node
    from pg_catalog.pg_extension where extname = 'citus'`.execute(db)
  const [{ version, isCoordinator, node }] = rows as [(typeof rows)[number]]
  const workers = [...(await onWorkers(db, NODE))].map(([name, text]) => nodeOf(name, text))
  return {
    version,
    isCoordinator,
    coordinator: nodeOf('the coordinator', node),
    workers,
    bytes: await readBytes(db),
  }
}

function nodeOf(name: string, text: string): Node {
  return { name, ...(JSON.parse(text) as Omit<Node, 'name'>) }
}

/** The size of tables that are distributed is that of their shards. */
async function readBytes(db: Kysely<Database>): Promise<number> {
  const { rows } = await sql<{ bytes: number }>`
    select sum(case when p.logicalrelid is null then pg_total_relation_size(c.oid)
      else citus_total_relation_size(c.oid) end)::bigint as bytes
    from pg_catalog.pg_class as c left join pg_catalog.pg_dist_partition as p on p.logicalrelid = c.oid
    where c.relnamespace = 'identifai'::regnamespace and c.relname = any(${DATA_TABLE_NAMES}::text[])`.execute(
    db,
  )
  return rows[0]?.bytes ?? 0
}
