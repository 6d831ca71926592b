import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import { SCHEMAS } from '../../platform/postgres/schemas.ts'
import { type Privilege, USAGE_OF_VIEWS } from './privileges.ts'

export async function hasRole(db: Kysely<Database>, role: string): Promise<boolean> {
  const { rows } = await sql`select from pg_catalog.pg_roles where rolname = ${role}`.execute(db)
  return rows.length === 1
}

/** Returns true for the owner of a table, its members, and a superuser, who have every privilege without a grant. */
export async function ownsTables(db: Kysely<Database>, role: string): Promise<boolean> {
  const { rows } = await sql`
    select from pg_class as c join pg_namespace as s on s.oid = c.relnamespace
    where s.nspname in ${SCHEMAS} and pg_has_role(${role}, c.relowner, 'USAGE')
    limit 1`.execute(db)
  return rows.length > 0
}

export interface Ownership {
  /** The owner of the tables; null where no schema exists. */
  readonly owner: string | null
  readonly current: string
  /** True when the current role has the privileges of the owner. */
  readonly isOwner: boolean
}

/** The owner of the schema, compared with the current role. */
export async function readOwnership(db: Kysely<Database>): Promise<Ownership> {
  const { rows } = await sql<Ownership>`
    select pg_get_userbyid(s.nspowner) as owner, current_user as current,
      coalesce(pg_has_role(s.nspowner, 'USAGE'), false) as "isOwner"
    from (select) as one left join pg_namespace as s on s.nspname = 'identifai'`.execute(db)
  return rows[0] as Ownership
}

/**
 * The privileges to read the views of this version.
 *
 * @param hidden Columns that are left out. A view with one of them needs a privilege for each of its other columns.
 */
export async function readViews(db: Kysely<Database>, hidden: readonly string[] = []): Promise<Privilege[]> {
  const { rows } = await sql<{ privilege: Privilege }>`
    with columns as (
      select c.oid, format('identifai_reporting.%I', c.relname) as view, a.attnum, a.attname,
        bool_or(a.attname = any(${hidden}::text[])) over (partition by c.oid) as hides
      from pg_class as c join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0
      where c.relnamespace = 'identifai_reporting'::regnamespace and c.relkind = 'v'
    )
    select case when hides then format('SELECT (%I) ON %s', attname, view) else 'SELECT ON ' || view end as privilege
    from columns where attname <> all(${hidden}::text[]) and (hides or attnum = 1) order by view, attnum`.execute(
    db,
  )
  return [USAGE_OF_VIEWS, ...rows.map(({ privilege }) => privilege)]
}

/** The privileges on the two schemas that were granted to the role itself. */
export async function readHeld(db: Kysely<Database>, role: string): Promise<Privilege[]> {
  const { rows } = await sql<{ privilege: Privilege }>`
    with schemas as (select oid, nspname, nspacl from pg_namespace where nspname in ${SCHEMAS}),
    relations as (
      select c.oid, case c.relkind when 'S' then 'SEQUENCE ' else '' end || format('%I.%I', s.nspname, c.relname) as name,
        c.relacl
      from pg_class as c join schemas as s on s.oid = c.relnamespace
    ),
    objects as (
      select 'SCHEMA ' || quote_ident(nspname) as object, '' as columns, nspacl as acl from schemas
      union all select name, '', relacl from relations
      union all select r.name, format(' (%I)', a.attname), a.attacl
      from relations as r join pg_attribute as a on a.attrelid = r.oid
      union all select 'FUNCTION ' || p.oid::regprocedure, '', p.proacl
      from pg_proc as p join schemas as s on s.oid = p.pronamespace
    )
    select format('%s%s ON %s', g.privilege_type, o.columns, o.object) as privilege
    from objects as o, aclexplode(o.acl) as g
    where g.grantee = (select oid from pg_roles where rolname = ${role})
    order by o.object, 1`.execute(db)
  return rows.map(({ privilege }) => privilege)
}

/**
 * The privileges on tables, views and their columns that the role can use. They include those of PUBLIC, and of the roles of
 * which it is a member.
 */
export async function readEffective(db: Kysely<Database>, role: string): Promise<Privilege[]> {
  const { rows } = await sql<{ privilege: Privilege }>`
    with relations as (
      select c.oid, format('%I.%I', s.nspname, c.relname) as name, kind,
        has_table_privilege(${role}, c.oid, kind) as is_whole
      from pg_class as c join pg_namespace as s on s.oid = c.relnamespace,
        unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) as kind
      where s.nspname in ${SCHEMAS} and c.relkind in ('r', 'p', 'v')
        and has_schema_privilege(${role}, s.oid, 'USAGE')
    )
    select format('%s ON %s', kind, name) as privilege from relations where is_whole
    union all
    select format('%s (%I) ON %s', r.kind, a.attname, r.name)
    from relations as r join pg_attribute as a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
    where not r.is_whole and r.kind in ('SELECT', 'INSERT', 'UPDATE')
      and has_column_privilege(${role}, r.oid, a.attnum, r.kind)
    order by 1`.execute(db)
  return rows.map(({ privilege }) => privilege)
}
