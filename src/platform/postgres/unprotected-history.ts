import { type Kysely, sql } from 'kysely'
import { distributedTables, onWorkers } from './citus.ts'
import type { Database } from './database.ts'
import { CLASSIFICATION_REVISIONS, PERSONAL_VALUES, REVISION_PAYLOADS } from './tables/history.ts'

/** A way in which the history of a node can be changed, although its tables have no triggers. */
export interface Unprotected {
  /** `127.0.0.1:5432`, or `the coordinator`. */
  readonly node: string
  /** The table, or a shard of it. */
  readonly table: string
  readonly problem: string
}

/** The parts of a revision can be removed, by a role that has the privilege on the coordinator. */
const REMOVABLE: readonly string[] = [PERSONAL_VALUES.name, REVISION_PAYLOADS.name]

const TABLES = [CLASSIFICATION_REVISIONS.name, ...REMOVABLE]

/** Owner, whether the current role has its privileges, and grants to change rows, of each table and shard of history, as JSON. */
const ACCESS = `select coalesce(json_agg(json_build_object('table', c.relname, 'owner', pg_get_userbyid(c.relowner),
    'isOwner', pg_has_role(c.relowner, 'USAGE'), 'grants', array(
      select case g.grantee when 0 then 'PUBLIC' else pg_get_userbyid(g.grantee)::text end || ' ' || g.privilege_type
      from (select c.relacl as acl union all
        select a.attacl from pg_catalog.pg_attribute as a where a.attrelid = c.oid) as held, aclexplode(held.acl) as g
      where g.grantee <> c.relowner and g.privilege_type in ('UPDATE', 'DELETE', 'TRUNCATE')))
    order by c.relname)::text, '[]')
  from pg_catalog.pg_class as c
  where c.relnamespace = 'identifai'::regnamespace and c.relkind = 'r'
    and c.relname ~ '^(${TABLES.join('|')})(_[0-9]+)?$'`

interface Access {
  readonly table: string
  readonly owner: string
  readonly isOwner: boolean
  readonly grants: readonly string[]
}

/**
 * Where history is distributed, privileges alone keep it append-only. Returns what lets others than the owner of the tables
 * change it, on any node; nothing where it is not distributed.
 */
export async function findUnprotectedHistory(db: Kysely<Database>): Promise<Unprotected[]> {
  const distributed = await distributedTables(db)
  if (!distributed.includes(CLASSIFICATION_REVISIONS.name)) return []
  const { rows } = await sql<{ access: string }>`select (${sql.raw(ACCESS)}) as access`.execute(db)
  const own = accessOf(rows[0]?.access)
  return [
    ...own.flatMap((access) => problemsOf('the coordinator', access, access)),
    ...[...(await onWorkers(db, ACCESS))].flatMap(([node, text]) =>
      accessOf(text).flatMap((access) =>
        problemsOf(node, access, own.find(({ table }) => table === baseOf(access)) as Access),
      ),
    ),
  ]
}

function accessOf(text = '[]'): Access[] {
  return JSON.parse(text) as Access[]
}

/** The table of a shard. */
function baseOf({ table }: Access): string {
  return table.replace(/_[0-9]+$/, '')
}

/** @param expected The access to the table on the coordinator. */
function problemsOf(node: string, access: Access, expected: Access): Unprotected[] {
  const allowed = expected.grants.filter(
    (grant) => grant.endsWith(' DELETE') && REMOVABLE.includes(expected.table),
  )
  const problems = access.grants
    .filter((grant) => !allowed.includes(grant))
    .map((grant) => {
      const [, role = '', privilege = ''] = /^(.*) (\w+)$/.exec(grant) ?? []
      return `lets ${role} ${privilege} rows`
    })
  if (access.owner !== expected.owner)
    problems.push(`belongs to ${access.owner}, and not to ${expected.owner}`)
  if (access.isOwner && !expected.isOwner)
    problems.push('lets the current role change it, as a superuser or a member of its owner')
  return [...new Set(problems)].map((problem) => ({ node, table: access.table, problem }))
}
