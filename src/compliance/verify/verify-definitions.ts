import { type Kysely, type RawBuilder, sql } from 'kysely'
import { distributedTables } from '../../platform/postgres/citus.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { databaseCodeOf, INSUFFICIENT_PRIVILEGE, READ_ONLY } from '../../platform/postgres/database-error.ts'
import { CREATE, type Definition, ON_TABLE, readDefinitions } from '../../platform/postgres/definitions.ts'
import { SCHEMAS } from '../../platform/postgres/schemas.ts'
import { type Finding, finding } from './findings.ts'

/**
 * Compares the views, functions and triggers with those that the migrations create. Each version of PostgreSQL prints a
 * definition differently. So each object is created again, as a temporary one, the server prints both, and the creation is
 * rolled back.
 *
 * @returns Null where the role may not create temporary objects, and on a standby.
 */
export async function verifyDefinitions(db: Kysely<Database>) {
  // Citus refuses triggers, so that distributed tables have none.
  const distributed = await distributedTables(db)
  const definitions = (await readDefinitions()).filter(({ table = '' }) => !distributed.includes(table))
  try {
    return await db.transaction().execute(async (trx) => {
      const findings = await addedObjects(trx, distributed, definitions)
      for (const definition of definitions) findings.push(...(await compare(trx, definition)))
      return { checked: definitions.length, findings }
    })
  } catch (error) {
    if ([INSUFFICIENT_PRIVILEGE, READ_ONLY].includes(databaseCodeOf(error) ?? '')) return null
    throw error
  }
}

/** Prints the definition of an object in a namespace; null where there is none. */
const PRINT: Readonly<
  Record<Definition['kind'], (name: string, namespace: RawBuilder<unknown>) => RawBuilder<string | null>>
> = {
  view: (name, namespace) => sql`
    select pg_get_viewdef(oid) from pg_class
    where relkind = 'v' and relname = ${name} and relnamespace = ${namespace}`,
  function: (name, namespace) => sql`
    select string_agg(pg_get_functiondef(oid), ' ') from pg_proc
    where prokind = 'f' and proname = ${name} and pronamespace = ${namespace}`,
  aggregate: (name, namespace) => sql`
    select string_agg(pg_get_function_arguments(p.oid) || (to_jsonb(a) - 'aggfnoid'), ' ')
    from pg_proc as p join pg_aggregate as a on a.aggfnoid = p.oid
    where p.proname = ${name} and p.pronamespace = ${namespace}`,
  trigger: (name, namespace) => sql`
    select string_agg(case when t.tgenabled in ('O', 'A') then '' else ${DISABLED} end || pg_get_triggerdef(t.oid), ' ')
    from pg_trigger as t join pg_class as c on c.oid = t.tgrelid
    where not t.tgisinternal and t.tgname = ${name} and c.relnamespace = ${namespace}`,
}

const DISABLED = 'disabled '

async function compare(trx: Kysely<Database>, definition: Definition): Promise<Finding[]> {
  await sql`savepoint compared`.execute(trx)
  try {
    return await compareWithTemporary(trx, definition)
  } catch (error) {
    const code = databaseCodeOf(error)
    // An error of syntax or of access: an object that the definition uses is missing, or has another form.
    if (!code?.startsWith('42') || code === INSUFFICIENT_PRIVILEGE) throw error
    return [found(definition, 'cannot be created again, because an object that it uses was altered')]
  } finally {
    await sql`rollback to savepoint compared`.execute(trx)
  }
}

async function compareWithTemporary(trx: Kysely<Database>, definition: Definition): Promise<Finding[]> {
  const { kind, schema, name } = definition
  for (const statement of asTemporary(definition)) await sql.raw(statement).execute(trx)
  const { rows } = await sql<{ stored: string | null; temporary: string }>`
    select (${PRINT[kind](name, sql`${schema}::regnamespace`)}) as stored,
      (${PRINT[kind](name, sql`pg_my_temp_schema()`)}) as temporary`.execute(trx)
  const [{ stored, temporary }] = rows as [(typeof rows)[number]]
  const expected = temporary.replaceAll(/\bpg_temp(_\d+)?\./g, `${schema}.`)
  if (stored === expected) return []
  if (stored === null) return [found(definition, 'is missing')]
  return [
    found(definition, stored === DISABLED + expected ? 'is disabled' : 'differs from that of the migrations'),
  ]
}

/** The statements that create it as a temporary object. */
function asTemporary({ kind, name, table, statement }: Definition): string[] {
  if (table === undefined) return [statement.replace(CREATE, `create ${kind} pg_temp.${name}`)]
  return [
    `create temporary table ${table} (like identifai.${table})`,
    statement.replace(ON_TABLE, `on pg_temp.${table}`),
  ]
}

/** Objects that change the rows which are written or read, and that no migration creates. */
async function addedObjects(
  trx: Kysely<Database>,
  distributed: readonly string[],
  definitions: readonly Definition[],
): Promise<Finding[]> {
  const { rows } = await sql<{ object: string }>`
    select format('%s %I on %I.%I', o.kind, o.name, s.nspname, c.relname) as object
    from (
      select 'trigger' as kind, tgname as name, tgrelid as relation from pg_trigger where not tgisinternal
      union all select 'rule', rulename, ev_class from pg_rewrite where rulename <> '_RETURN'
      union all select 'policy', polname, polrelid from pg_policy
    ) as o
    join pg_class as c on c.oid = o.relation
    join pg_namespace as s on s.oid = c.relnamespace
    where s.nspname in ${SCHEMAS} and c.relname <> all(${distributed}::text[])
      and not (o.kind = 'trigger' and s.nspname = 'identifai'
        and o.name = any(${definitions.map(({ name }) => name)}::text[]))
    order by 1`.execute(trx)
  return rows.map(({ object }) => finding(object, 'was added'))
}

function found({ kind, schema, name, table }: Definition, problem: string): Finding {
  return finding(
    table === undefined ? `${kind} ${schema}.${name}` : `trigger ${name} on ${schema}.${table}`,
    problem,
  )
}
