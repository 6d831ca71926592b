import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import { asConnectionError } from '../../platform/postgres/database-error.ts'
import { EXIT_CODE } from '../../platform/errors.ts'
import { type Finding, failed, ok, warning } from './finding.ts'

/** The oldest PostgreSQL that has what the migrations use. */
const OLDEST_MAJOR = 14

/** Whether the database can be reached, and is one that this can work with. */
export async function checkDatabase(db: Kysely<Database>): Promise<Finding[]> {
  const startedAt = performance.now()
  try {
    const { rows } = await sql<{ version: string; encoding: string; tls: string | null; role: string }>`
      select current_setting('server_version') as version, current_setting('server_encoding') as encoding,
        (select version from pg_catalog.pg_stat_ssl where pid = pg_backend_pid() and ssl) as tls,
        current_user::text as role`.execute(db)
    const { version = '', encoding = '', tls = null, role = '' } = rows[0] ?? {}
    const milliseconds = Math.round(performance.now() - startedAt)
    const over = tls === null ? 'without TLS' : `over ${tls}`
    return [
      ok('database', `PostgreSQL ${version} answered as ${role} after ${milliseconds} ms, ${over}.`),
      ...(Number.parseInt(version, 10) < OLDEST_MAJOR ? [tooOld(version)] : []),
      ...(encoding === 'UTF8' ? [] : [wrongEncoding(encoding)]),
    ]
  } catch (error) {
    const remedy = 'docs/operations.md has the roles, and under "Proxy and certificates" what TLS needs.'
    return [failed('database', asConnectionError(error).message, remedy, EXIT_CODE.database)]
  }
}

function tooOld(version: string): Finding {
  return failed(
    'database',
    `PostgreSQL ${version} is older than ${OLDEST_MAJOR}.`,
    `Upgrade the server to ${OLDEST_MAJOR} or later.`,
    EXIT_CODE.database,
  )
}

function wrongEncoding(encoding: string): Finding {
  return warning(
    'database',
    `The encoding of the database is ${encoding}: a record with other characters would be quarantined.`,
    "Use a database that was created with ENCODING 'UTF8'.",
  )
}
