import { type Kysely, sql } from 'kysely'
import { REVISION_PAYLOADS } from '../../platform/postgres/tables/history.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { CLUSTER_READER, type Privilege } from '../roles/privileges.ts'
import { readHeld } from '../roles/read-privileges.ts'

/** GRANT statements for the roles that read the views, which need the tables below the views on a cluster. */
export async function grantsForReaders(db: Kysely<Database>): Promise<string[]> {
  const statements: string[] = []
  for (const { role, name } of await readReaders(db)) {
    const held = await readHeld(db, role)
    const lacking = CLUSTER_READER.filter((privilege) => !held.includes(privilege))
    statements.push(...lacking.map((privilege) => `GRANT ${privilege} TO ${name}`))
  }
  return statements
}

/** REVOKE statements that take these back. A role that may read the payloads was granted the tables for themselves. */
export async function revokesFromReaders(db: Kysely<Database>): Promise<string[]> {
  const statements: string[] = []
  for (const { role, name } of await readReaders(db)) {
    const held = (await readHeld(db, role)).filter((privilege) => ofTables(privilege))
    if (held.includes(`SELECT ON identifai.${REVISION_PAYLOADS.name}`)) continue
    const ofCluster = held.filter((privilege) => CLUSTER_READER.includes(privilege))
    const needsSchema = ofCluster.length < held.length
    statements.push(
      ...ofCluster
        .filter((privilege) => !needsSchema || !privilege.startsWith('USAGE'))
        .map((privilege) => `REVOKE ${privilege} FROM ${name}`),
    )
  }
  return statements
}

function ofTables(privilege: Privilege): boolean {
  return !privilege.includes('identifai_reporting')
}

/** Roles that were granted a view: their names, also as SQL writes them. The job and maintenance are none of them. */
async function readReaders(db: Kysely<Database>) {
  const { rows } = await sql<{ role: string; name: string }>`
    select distinct r.rolname as role, quote_ident(r.rolname) as name
    from pg_catalog.pg_class as c, aclexplode(c.relacl) as g
    join pg_catalog.pg_roles as r on r.oid = g.grantee
    where c.relnamespace = 'identifai_reporting'::regnamespace and c.relkind = 'v' and g.privilege_type = 'SELECT'
      and g.grantee <> c.relowner
    order by 1`.execute(db)
  return rows
}
