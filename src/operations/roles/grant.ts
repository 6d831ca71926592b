import { type Kysely, sql } from 'kysely'
import { UsageError } from '../../platform/errors.ts'
import { distributedTables } from '../../platform/postgres/citus.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { databaseCodeOf, INSUFFICIENT_PRIVILEGE } from '../../platform/postgres/database-error.ts'
import {
  ANNOTATOR,
  CLUSTER_READER,
  ENQUEUER,
  JOB,
  joinByObject,
  MAINTENANCE,
  PERSONAL_COLUMNS,
  type Privilege,
  TABLE_READER,
} from './privileges.ts'
import { hasRole, ownsTables, readEffective, readHeld, readOwnership, readViews } from './read-privileges.ts'

/** The settings of a reader's queries, which make the views faster. */
export const READER_SETTINGS = [
  // PostgreSQL compiles a query that it expects to be expensive. A view has many expressions, so that takes longer than the query.
  'jit = off',
  // The rows of a time range are adjacent in all tables, so that reading them by an index is not random.
  'random_page_cost = 1.1',
]

/** The privileges that a call granted and revoked; both are empty where the role had exactly these. */
export interface Grant {
  readonly granted: readonly Privilege[]
  readonly revoked: readonly Privilege[]
}

interface GrantOptions {
  /** Leaves the role with the wanted privileges only; otherwise a role that should not have some of its own is refused. */
  readonly revokesOthers: boolean
}

/**
 * Lets a role execute runs, and with `annotates` write notes on overrides.
 *
 * @throws UsageError when the role does not exist, has any other privilege, or owns the tables; or when the current role
 * does not own them.
 */
export async function grantJob(
  db: Kysely<Database>,
  role: string,
  { annotates, revokesOthers }: GrantOptions & { readonly annotates: boolean },
): Promise<Grant> {
  const wanted = annotates ? [...JOB, ...ANNOTATOR] : JOB
  return db.transaction().execute((trx) => grant(trx, role, { wanted, kept: ANNOTATOR, revokesOthers }))
}

/**
 * Lets a role prune and redact, and nothing else.
 *
 * @throws UsageError as of grantJob.
 */
export async function grantMaintenance(
  db: Kysely<Database>,
  role: string,
  { revokesOthers }: GrantOptions,
): Promise<Grant> {
  return db.transaction().execute((trx) => grant(trx, role, { wanted: MAINTENANCE, kept: [], revokesOthers }))
}

/**
 * Lets a role enqueue identifiers and request refreshes, and nothing else but read the results.
 *
 * @throws UsageError as of grantJob.
 */
export async function grantEnqueuer(
  db: Kysely<Database>,
  role: string,
  { revokesOthers }: GrantOptions,
): Promise<Grant> {
  const views = [...(await readViews(db)), ...(await readViews(db, PERSONAL_COLUMNS))]
  const kept = [...TABLE_READER, ...CLUSTER_READER, ...views]
  return db.transaction().execute((trx) => grant(trx, role, { wanted: ENQUEUER, kept, revokesOthers }))
}

interface ReaderOptions extends GrantOptions {
  /** Also the data tables. */
  readonly withTables: boolean
  /** The views without the columns that can name a person. Those of later migrations are not included. */
  readonly withoutPersonal: boolean
}

/**
 * Lets a role read the reporting views, including those of later migrations, and with `withTables` the data tables; and
 * nothing else but enqueue identifiers. Where the data tables are distributed, the views need them, too, but for the payloads.
 * Changes settings of the role in this database, so that the views are fast.
 *
 * @returns Also the statements for these settings that the current role may not execute; none where it may.
 * @throws UsageError as of grantJob, and when the reader of a cluster must not see personal values.
 */
export async function grantReader(
  db: Kysely<Database>,
  role: string,
  { withTables, withoutPersonal, revokesOthers }: ReaderOptions,
): Promise<Grant & { readonly statementsForAdministrator: readonly string[] }> {
  const isDistributed = (await distributedTables(db)).length > 0
  if (isDistributed && withoutPersonal) {
    throw new UsageError(
      'A reader of the views cannot be kept from personal values on a Citus cluster, because it also reads the tables below the views.',
      'Copy the views without these columns into another database, and give its readers that one.',
    )
  }
  const tables = [...(isDistributed ? CLUSTER_READER : []), ...(withTables ? TABLE_READER : [])]
  const views = await readViews(db, withoutPersonal ? PERSONAL_COLUMNS : [])
  const wanted = [...new Set([...views, ...tables])]
  const changed = await db.transaction().execute(async (trx) => {
    const result = await grant(trx, role, { wanted, kept: ENQUEUER, revokesOthers })
    await setDefaultPrivileges(trx, role, !withoutPersonal)
    return result
  })
  return { ...changed, statementsForAdministrator: await setReaderSettings(db, role) }
}

/** Covers the views that the current role, which migrates, creates later. Their columns are not known yet. */
async function setDefaultPrivileges(db: Kysely<Database>, role: string, areGranted: boolean): Promise<void> {
  const change = areGranted ? sql`grant select on tables to` : sql`revoke select on tables from`
  await sql`alter default privileges in schema identifai_reporting ${change} ${sql.id(role)}`.execute(db)
}

interface Wanted extends GrantOptions {
  /** The privileges that the role gets. */
  readonly wanted: readonly Privilege[]
  /** The privileges that it keeps if it has them, unless all others are revoked. */
  readonly kept: readonly Privilege[]
}

async function grant(
  db: Kysely<Database>,
  role: string,
  { wanted, kept, revokesOthers }: Wanted,
): Promise<Grant> {
  await refuseUnsuitable(db, role)
  const name = sql.id(role)
  const allowed = new Set(revokesOthers ? wanted : [...wanted, ...kept])
  const revoked = (await readHeld(db, role)).filter((privilege) => !allowed.has(privilege))
  if (revoked.length > 0 && !revokesOthers) refuseOthers(role, revoked)
  for (const privilege of revoked) await sql`revoke ${sql.raw(privilege)} from ${name}`.execute(db)
  // Afterwards, because the end of a privilege on a table also ends those on its columns.
  const held = await readHeld(db, role)
  const granted = wanted.filter((privilege) => !held.includes(privilege))
  for (const privilege of granted) await sql`grant ${sql.raw(privilege)} to ${name}`.execute(db)
  const inherited = (await readEffective(db, role)).filter((privilege) => !allowed.has(privilege))
  if (inherited.length > 0) refuseInherited(role, inherited)
  return { granted, revoked }
}

async function refuseUnsuitable(db: Kysely<Database>, role: string): Promise<void> {
  const { owner, current, isOwner } = await readOwnership(db)
  if (!isOwner) {
    throw new UsageError(
      `The role ${current} does not own the tables, so it cannot grant privileges on them.`,
      `Use the role ${owner} in DATABASE_URL. To make ${current} the owner, let a superuser execute deploy/change-owner.sql.`,
    )
  }
  if (!(await hasRole(db, role))) {
    throw new UsageError(
      `The database server has no role ${role}.`,
      `Create it first: CREATE ROLE ${quoted(role)} LOGIN PASSWORD '...'`,
    )
  }
  if (await ownsTables(db, role)) {
    throw new UsageError(
      `The role ${role} owns the tables, is a member of their owner, or is a superuser, so nothing was granted.`,
      'Create a role of its own for each duty: "Create the roles" in docs/operations.md.',
    )
  }
}

/** A name as SQL has to write it. */
function quoted(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`
}

function refuseOthers(role: string, others: readonly Privilege[]): never {
  throw new UsageError(
    `The role ${role} has other privileges, so nothing was changed:\n${listed(others)}`,
    'Give another role. If no program needs these privileges any more, add --revoke-others, which leaves the role with those of this command.',
  )
}

function refuseInherited(role: string, inherited: readonly Privilege[]): never {
  throw new UsageError(
    `The role ${role} has other privileges by its membership in other roles, or by grants to PUBLIC, so nothing was changed:\n${listed(inherited)}`,
    'End the membership or the grants, or give another role.',
  )
}

function listed(privileges: readonly Privilege[]): string {
  return joinByObject(privileges)
    .map((joined) => `  ${joined}`)
    .join('\n')
}

/** Makes the settings that are missing. Returns their statements where only an administrator may execute them. */
async function setReaderSettings(db: Kysely<Database>, role: string): Promise<readonly string[]> {
  const { rows } = await sql<{ statement: string }>`
    select format('ALTER ROLE %I IN DATABASE %I SET ', ${role}::text, current_database()) || setting as statement
    from unnest(${READER_SETTINGS}::text[]) as setting
    where not exists (
      select from pg_db_role_setting as present
      where present.setdatabase = (select oid from pg_database where datname = current_database())
        and present.setrole = (select oid from pg_roles where rolname = ${role})
        and replace(setting, ' ', '') = any (present.setconfig)
    )`.execute(db)
  const statements = rows.map(({ statement }) => statement)
  try {
    for (const statement of statements) await sql.raw(statement).execute(db)
    return []
  } catch (error) {
    if (databaseCodeOf(error) !== INSUFFICIENT_PRIVILEGE) throw error
    return statements
  }
}
