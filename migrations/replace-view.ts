import { type Kysely, sql } from 'kysely'
import { columnNames, commentOnView, type View, viewNamed } from './with-comments.ts'

/**
 * Replaces a view of the schema identifai_reporting, for use in a later migration. This contract is frozen with 1.0.0; the code
 * can change as long as it keeps it.
 *
 * - `view` is the complete new view, as for createView: all columns with their comments, also the unchanged ones.
 * - If it only appends columns, CREATE OR REPLACE VIEW does it. It leaves dependent views alone, so that they can be of any owner.
 * - Otherwise PostgreSQL requires DROP VIEW. The views that depend on it, in any schema, are dropped and created again, with
 *   the definitions, options, owners, grants and comments that they had. There is no CASCADE. The migration fails and
 *   changes nothing if another object (a materialized view, a function) depends on one of them, or uses a removed column.
 *   Triggers, rules and column defaults on views are not kept.
 * - The view keeps its options, owner and grants, apart from grants on columns that it no longer has.
 * - Restored grants are from the owner of the view.
 *
 * A dependent view does not get the new columns: replace it as well, after this one.
 *
 * @param db The transaction of the migration.
 * @throws An Error when the view does not exist; otherwise the error of PostgreSQL.
 */
export async function replaceView(db: Kysely<unknown>, name: string, view: View): Promise<void> {
  const [replaced, ...dependents] = await readViews(db, name)
  if (!replaced) throw new Error(`There is no view identifai_reporting.${name} to replace.`)
  const create = (command: string) =>
    sql`${sql.raw(command)} ${viewNamed(name)} (${columnNames(view)}) ${sql.raw(replaced.options)} as ${sql.raw(view.query)}`.execute(
      db,
    )
  await sql`savepoint replace_view`.execute(db)
  try {
    await create('create or replace view')
  } catch (error) {
    if ((error as { code?: unknown }).code !== CANNOT_CHANGE_COLUMNS) throw error
    await sql`rollback to savepoint replace_view`.execute(db)
    const dropped = [replaced, ...dependents]
    await run(db, dropped.map((one) => `drop view ${one.name}`).toReversed())
    await create('create view')
    await restoreGrants(db, replaced, Object.keys(view.columns))
    for (const one of dependents) {
      await run(db, [`create view ${one.name} ${one.options} as ${one.definition}`, ...one.comments])
      await restoreGrants(db, one)
    }
  }
  await sql`release savepoint replace_view`.execute(db)
  await commentOnView(db, name, view)
}

/** SQLSTATE invalid_table_definition. */
const CANNOT_CHANGE_COLUMNS = '42P16'

interface StoredView {
  /** Schema and name, quoted. */
  readonly name: string
  /** WITH clause; empty without options. */
  readonly options: string
  readonly definition: string
  readonly owner: string
  /** COMMENT statements. */
  readonly comments: readonly string[]
  readonly grants: readonly Grant[]
}

interface Grant {
  /** The column that it is for, or null for the whole view. */
  readonly column: string | null
  /** GRANT statement. */
  readonly statement: string
}

/** The view and all views that depend on it, directly or not, each after those that it depends on. */
async function readViews(db: Kysely<unknown>, name: string): Promise<StoredView[]> {
  const { rows } = await sql<StoredView>`
    with recursive found as (
      select c.oid, 0 as depth from pg_catalog.pg_class as c
      where c.relnamespace = 'identifai_reporting'::regnamespace and c.relname = ${name} and c.relkind = 'v'
      union
      select r.ev_class, f.depth + 1
      from found as f
      join pg_catalog.pg_depend as d on d.refclassid = 'pg_class'::regclass and d.refobjid = f.oid
        and d.classid = 'pg_rewrite'::regclass
      join pg_catalog.pg_rewrite as r on r.oid = d.objid and r.ev_class <> f.oid
    ), views as (
      select c.*, format('%I.%I', s.nspname, c.relname) as name, max(f.depth) as depth
      from found as f join pg_catalog.pg_class as c on c.oid = f.oid
      join pg_catalog.pg_namespace as s on s.oid = c.relnamespace
      group by c.oid, s.nspname
    )
    select v.name, coalesce('with (' || array_to_string(v.reloptions, ', ') || ')', '') as options,
      pg_get_viewdef(v.oid) as definition, quote_ident(pg_get_userbyid(v.relowner)) as owner,
      array(
        select case when d.objsubid = 0 then format('comment on view %s is %L', v.name, d.description)
          else format('comment on column %s.%I is %L', v.name, a.attname, d.description) end
        from pg_catalog.pg_description as d
        left join pg_catalog.pg_attribute as a on a.attrelid = d.objoid and a.attnum = d.objsubid
        where d.classoid = 'pg_class'::regclass and d.objoid = v.oid
      ) as comments,
      array(
        select jsonb_build_object('column', a.attname, 'statement', format('grant %s %s on %s to %s %s',
          g.privilege_type, '(' || quote_ident(a.attname) || ')', v.name,
          case g.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(g.grantee)) end,
          case when g.is_grantable then 'with grant option' end))
        from (
          select null::name as attname, coalesce(v.relacl, acldefault('r', v.relowner)) as acl
          union all
          select attname, attacl from pg_catalog.pg_attribute where attrelid = v.oid and attacl is not null
        ) as a, aclexplode(a.acl) as g
      ) as grants
    from views as v order by v.depth, v.oid`.execute(db)
  return rows
}

/** Sets the owner and grants of a new view to the stored ones, instead of those that default privileges gave it. */
async function restoreGrants(
  db: Kysely<unknown>,
  { name, owner, grants }: StoredView,
  columns?: readonly string[],
): Promise<void> {
  const { rows } = await sql<{ statement: string }>`
    select format('revoke all on %s from %s', ${name}::text,
      case g.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(g.grantee)) end) as statement
    from pg_catalog.pg_class as c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) as g
    where c.oid = ${name}::regclass group by g.grantee`.execute(db)
  const kept = grants.filter(({ column }) => column === null || (columns?.includes(column) ?? true))
  await run(db, [
    ...rows.map(({ statement }) => statement),
    `alter view ${name} owner to ${owner}`,
    ...kept.map(({ statement }) => statement),
  ])
}

async function run(db: Kysely<unknown>, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
