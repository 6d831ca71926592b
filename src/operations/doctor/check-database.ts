import { type Kysely, sql } from 'kysely'
import { DEFAULT_MEDIA } from '../../media/registry.ts'
import { readUndocumentedStatuses } from '../../pipeline/load/read-drift.ts'
import { readPause } from '../../pipeline/api/pause.ts'
import { EXIT_CODE } from '../../platform/errors.ts'
import { asConnectionError, asDatabaseError } from '../../platform/postgres/database-error.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { timeText } from '../../platform/time.ts'
import { failed, ok, type Result, warning } from './finding.ts'

/** The oldest major version of PostgreSQL that its community maintains, and that the tests run on. */
export const OLDEST_MAJOR = 15

/** Checks that the database can be reached, and that its version and encoding are supported. */
export async function checkDatabase(db: Kysely<Database>): Promise<Result[]> {
  const startedAt = performance.now()
  try {
    const { rows } = await sql<{ version: string; encoding: string; tls: string | null; role: string }>`
      select current_setting('server_version') as version, current_setting('server_encoding') as encoding,
        (select version from pg_catalog.pg_stat_ssl where pid = pg_backend_pid() and ssl) as tls,
        current_user::text as role`.execute(db)
    const { version = '', encoding = '', tls = null, role = '' } = rows[0] ?? {}
    const milliseconds = Math.round(performance.now() - startedAt)
    const over = tls === null ? 'without TLS' : `over ${tls}`
    const results = [
      ok(`PostgreSQL ${version} responded to the role ${role} after ${milliseconds} ms, ${over}.`),
    ]
    if (Number.parseInt(version, 10) < OLDEST_MAJOR) {
      results.push(
        failed(
          `PostgreSQL ${version} is older than ${OLDEST_MAJOR}.`,
          `Upgrade the server to ${OLDEST_MAJOR} or later.`,
          EXIT_CODE.database,
        ),
      )
    }
    if (encoding !== 'UTF8') {
      results.push(
        warning(
          `The encoding of the database is ${encoding}, so records with other characters are quarantined.`,
          "Use a database that was created with ENCODING 'UTF8'.",
        ),
      )
    }
    return results
  } catch (error) {
    const { problem, remedy, exitCode } = asConnectionError(error)
    return [failed(problem, remedy, exitCode)]
  }
}

/** Bytes that the doctor writes. A full disk may still have room for one row. */
const WRITTEN_BYTES = 1_000_000

/** Checks that the server accepts writes: writes some rows and rolls back. */
export async function checkWrites(db: Kysely<Database>): Promise<Result> {
  try {
    await db.transaction().execute(async (trx) => {
      // Random, because a page of equal bytes would be compressed.
      await sql`
          insert into identifai.schema_drift (media, path, kind, sample)
          select ${DEFAULT_MEDIA}, '/doctor/' || n, 'unknown_field', md5(random()::text)
          from generate_series(1, ${WRITTEN_BYTES / 32}) as n`.execute(trx)
      throw ROLL_BACK
    })
  } catch (error) {
    if (error !== ROLL_BACK) {
      const known = asDatabaseError(error)
      if (!known) throw error
      return failed(known.problem, known.remedy, known.exitCode)
    }
  }
  return ok('The server accepts writes.')
}

const ROLL_BACK = new Error('rolled back')

/** Checks that the API returns only statuses that are documented. */
export async function checkStatuses(db: Kysely<Database>): Promise<Result> {
  const undocumented = await readUndocumentedStatuses(db)
  if (undocumented === null) return ok('The API has returned only statuses that are documented.')
  const { sample, lastSeenAt } = undocumented
  return warning(
    `The API returned the status ${sample}, which is not documented, last at ${timeText(lastSeenAt)}. It counts as unfinished.`,
    'Find out its meaning from the vendor, and check for a newer identifai-sync.',
  )
}

/** Checks that no pause keeps runs from sending requests. */
export async function checkPause(db: Kysely<Database>): Promise<Result> {
  const until = await readPause(db)
  if (until === null) return ok('Requests are not paused.')
  return warning(
    `Requests are paused until ${timeText(until)}, because the API requested it (Retry-After).`,
    'Wait until then. A pause lasts an hour at most. If the API is wrong, run identifai-sync resume.',
  )
}

/** A larger difference makes times in logs and tables hard to compare. */
const CLOCK_TOLERANCE_SECONDS = 5

/**
 * Compares the clock of the database, which is the source of all recorded times, with others at the same moment.
 *
 * @param clocks.api The API's `Date` header; null when there is none.
 */
export function checkClocks(clocks: {
  readonly database: Date
  readonly machine: Date
  readonly api: Date | null
}): Result {
  const others = [
    ['of this machine', clocks.machine],
    ['of the API', clocks.api],
  ] as const
  const differences = others.flatMap(([whose, time]) =>
    time === null ? [] : [{ whose, seconds: (time.getTime() - clocks.database.getTime()) / 1000 }],
  )
  const compared = differences
    .map(
      ({ whose, seconds }) =>
        `the clock ${whose} is ${Math.abs(seconds).toFixed(1)} s ${seconds < 0 ? 'behind' : 'ahead'}`,
    )
    .join(', and ')
  if (differences.every(({ seconds }) => Math.abs(seconds) <= CLOCK_TOLERANCE_SECONDS)) {
    return ok(`Compared with the clock of the database, ${compared}.`)
  }
  return warning(
    `The clocks differ. Compared with the clock of the database, ${compared}.`,
    'Synchronize the clocks by NTP. The clock of the database server matters most, because reports use it.',
  )
}
