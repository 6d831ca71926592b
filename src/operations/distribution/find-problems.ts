import { type Kysely, sql } from 'kysely'
import { DATA_TABLE_NAMES } from '../../media/registry.ts'
import { DatabaseError } from '../../platform/errors.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { count } from '../../platform/terminal/text.ts'
import { readOwnership } from '../roles/read-privileges.ts'
import type { Cluster, Node } from './read-cluster.ts'

/** The oldest version of Citus that was tested. */
const OLDEST_CITUS = 13

/** Room for the rows and for the WAL of copying them, as a factor of their size. */
const SPACE_FACTOR = 2

/** Where the data tables are to be: distributed over the workers, or all on the coordinator. */
export type Target = 'workers' | 'coordinator'

/** Everything that prevents the data tables from being moved to the workers, or back to the coordinator. */
export async function findProblems(
  db: Kysely<Database>,
  cluster: Cluster | undefined,
  target: Target,
): Promise<DatabaseError[]> {
  const problems = [...(await problemsOfRole(db)), ...(await problemsOfRuns(db))]
  if (cluster === undefined) return target === 'coordinator' ? problems : [withoutCitus(), ...problems]
  const { coordinator, workers, bytes } = cluster
  return [
    ...problemsOfCluster(cluster),
    ...workers.filter(({ maxPrepared }) => maxPrepared === 0).map(cannotPrepare),
    ...(await missingRoles(db, cluster)),
    ...(target === 'workers' ? await problemsOfReaders(db) : []),
    ...(target === 'workers'
      ? workers.flatMap((node) => problemsOfSpace(node, bytes / workers.length))
      : problemsOfSpace(coordinator, bytes)),
    ...problems,
  ]
}

function withoutCitus(): DatabaseError {
  return new DatabaseError(
    'The database does not have the extension citus.',
    'Run distribute on the coordinator of a Citus cluster, after CREATE EXTENSION citus. A single server does not need it.',
  )
}

function problemsOfCluster({ version, isCoordinator, workers }: Cluster): DatabaseError[] {
  const problems: DatabaseError[] = []
  if (Number.parseInt(version, 10) < OLDEST_CITUS) {
    problems.push(
      new DatabaseError(
        `Citus ${version} is older than ${OLDEST_CITUS}.`,
        `Upgrade Citus to ${OLDEST_CITUS} or later on every node.`,
      ),
    )
  }
  if (!isCoordinator) {
    problems.push(
      new DatabaseError(
        'This server is not the coordinator of the cluster.',
        'Use the address of the coordinator in DATABASE_URL. If this is the coordinator, execute citus_set_coordinator_host there.',
      ),
    )
  }
  if (workers.length === 0) {
    problems.push(
      new DatabaseError(
        'The cluster has no workers.',
        'Add them as a superuser: SELECT citus_add_node(<host>, <port>).',
      ),
    )
  }
  return problems
}

function cannotPrepare({ name }: Node): DatabaseError {
  return new DatabaseError(
    `The worker ${name} cannot prepare transactions (max_prepared_transactions is 0), so that no run could write.`,
    'Set it to at least max_connections, and restart the worker.',
  )
}

/** Roles with privileges on the tables that a worker does not have. Grants are repeated there. */
async function missingRoles(db: Kysely<Database>, { workers }: Cluster): Promise<DatabaseError[]> {
  const { rows } = await sql<{ role: string }>`
    select distinct pg_get_userbyid(holder) as role
    from pg_catalog.pg_class as c,
      unnest(array(select grantee from aclexplode(c.relacl)) || c.relowner) as holder
    where c.relnamespace = 'identifai'::regnamespace and holder <> 0
      and c.relname = any(${DATA_TABLE_NAMES}::text[])
    order by 1`.execute(db)
  return workers.flatMap(({ name, roles }) =>
    rows
      .filter(({ role }) => !roles.includes(role))
      .map(
        ({ role }) =>
          new DatabaseError(
            `The worker ${name} does not have the role ${role}, which has privileges on the tables.`,
            `Create it there: CREATE ROLE "${role}" LOGIN`,
          ),
      ),
  )
}

/** Readers of some columns of a view. On a cluster, they would read all columns of the tables below. */
async function problemsOfReaders(db: Kysely<Database>): Promise<DatabaseError[]> {
  const { rows } = await sql<{ role: string }>`
    select distinct pg_get_userbyid(g.grantee) as role
    from pg_catalog.pg_class as c join pg_catalog.pg_attribute as a on a.attrelid = c.oid, aclexplode(a.attacl) as g
    where c.relnamespace = 'identifai_reporting'::regnamespace
    order by 1`.execute(db)
  return rows.map(
    ({ role }) =>
      new DatabaseError(
        `The role ${role} reads the views without personal values, and on a cluster it would read the tables below them.`,
        `Revoke its privileges: DROP OWNED BY "${role}". Or let it read everything: identifai-sync grant-reader ${role} --revoke-others`,
      ),
  )
}

function problemsOfSpace({ name, freeBytes }: Node, bytes: number): DatabaseError[] {
  const needed = bytes * SPACE_FACTOR
  if (freeBytes >= needed) return []
  return [
    new DatabaseError(
      `${name} has ${megabytes(freeBytes)} of disk space left, and ${megabytes(needed)} are needed for the rows and for the WAL of copying them.`,
      'Make room, or add a worker.',
    ),
  ]
}

export function megabytes(bytes: number): string {
  return `${count(Math.ceil(bytes / 1_000_000))} MB`
}

async function problemsOfRole(db: Kysely<Database>): Promise<DatabaseError[]> {
  const { owner, current, isOwner } = await readOwnership(db)
  if (isOwner) return []
  return [
    new DatabaseError(
      `The role ${current} does not own the tables.`,
      `Use the role ${owner} in DATABASE_URL.`,
    ),
  ]
}

async function problemsOfRuns(db: Kysely<Database>): Promise<DatabaseError[]> {
  const runs = await db
    .selectFrom('identifai.sync_runs')
    .select(['run_id', 'host', 'pid'])
    .where('status', '=', 'running')
    .execute()
  return runs.map(
    ({ run_id, host, pid }) =>
      new DatabaseError(
        `The run ${run_id} is in progress (process ${pid} on ${host}).`,
        'Stop the daemon, and wait until the run has ended. If its process died, run identifai-sync sync, which closes it.',
      ),
  )
}
