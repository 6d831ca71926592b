import os from 'node:os'
import path from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { parseDatabaseConfig } from '../../../../src/platform/config/config.ts'
import type { Environment } from '../../../../src/platform/config/environment.ts'

const DEFAULT_FILE = `passfile=${encodeURIComponent(path.join(os.homedir(), '.pgpass'))}`
const SOCKET = encodeURIComponent('/run/pg')
/** A file that exists, and how a URL names it. */
const AUTHORITY = import.meta.filename
const AUTHORITY_IN_URL = String(new URLSearchParams({ sslrootcert: AUTHORITY }))
const SYSTEM_USER = os.userInfo().username

/** The URL of a configuration. No server of this machine has its socket at the default port of these tests. */
function urlOf(environment: Environment): string {
  return parseDatabaseConfig({ PGPORT: '1', ...environment }).databaseUrl
}

function problemOf(environment: Environment): string {
  try {
    parseDatabaseConfig(environment)
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('accepted')
}

afterEach(() => vi.restoreAllMocks())

describe('DATABASE_URL', () => {
  it.each([
    ['postgresql://u:s@h:5433/x', 'postgresql://u:s@h:5433/x'],
    ['postgres://u:s@h/x', 'postgresql://u:s@h:1/x'],
    ['postgresql://u:s@h:2/x\n', 'postgresql://u:s@h:2/x'],
    ['postgresql://u:s@[::1]:5433/x', 'postgresql://u:s@[::1]:5433/x'],
    ['postgresql://u%40:p%2Fs@h:2/a%2Fb%3F', 'postgresql://u%40:p%2Fs@h:2/a%2Fb%3F'],
    ['postgresql://u:s@h:2/x?application_name=me', 'postgresql://u:s@h:2/x?application_name=me'],
    ['postgresql://h/x?user=u&password=s&port=3', 'postgresql://u:s@h:3/x'],
    ['postgresql://u:s@h:2/?dbname=x', 'postgresql://u:s@h:2/x'],
    ['postgresql://u:s@h:2', 'postgresql://u:s@h:2/u'],
    ['postgresql://u:s@h:2/x?target_session_attrs=any', 'postgresql://u:s@h:2/x?target_session_attrs=any'],
    // A Unix socket.
    ['postgresql://u:s@/x?host=/run/pg', `postgresql://u:s@${SOCKET}:1/x?sslmode=disable`],
    [`postgresql://u:s@${SOCKET}:2/x`, `postgresql://u:s@${SOCKET}:2/x?sslmode=disable`],
    [`postgresql://u:s@${SOCKET}/x?sslmode=verify-full`, `postgresql://u:s@${SOCKET}:1/x?sslmode=disable`],
    // TLS.
    ['postgresql://u:s@h:2/x?sslmode=disable', 'postgresql://u:s@h:2/x?sslmode=disable'],
    ['postgresql://u:s@h:2/x?sslmode=no-verify', 'postgresql://u:s@h:2/x?sslmode=no-verify'],
    ['postgresql://u:s@h:2/x?sslmode=prefer', 'postgresql://u:s@h:2/x?sslmode=verify-full'],
    ['postgresql://u:s@h:2/x?sslmode=require', 'postgresql://u:s@h:2/x?sslmode=verify-full'],
    ['postgresql://u:s@h:2/x?sslmode=verify-ca', 'postgresql://u:s@h:2/x?sslmode=verify-full'],
    [
      'postgresql://u:s@h:2/x?sslmode=require&uselibpqcompat=true',
      'postgresql://u:s@h:2/x?sslmode=require&uselibpqcompat=true',
    ],
  ])('%s becomes %s', (given, complete) => {
    expect(urlOf({ DATABASE_URL: given })).toBe(complete)
  })

  it.each([
    ['postgresql://u:secret@a:5432,b:5432/x', 'DATABASE_URL names several hosts. Name one'],
    ['postgresql://u:secret@a,b/x', 'DATABASE_URL names several hosts. Name one'],
    ['postgresql://u:secret@/x?host=a,b', 'DATABASE_URL names several hosts. Name one'],
    [
      'postgresql://u:secret@h/x?target_session_attrs=primary',
      'target_session_attrs, which is not supported',
    ],
    ['host=h dbname=x password=secret', 'Write host=h dbname=d as postgresql://h/d'],
    ['postgresql://u:secret@h:99999/x', 'DATABASE_URL must have a port from 1 to 65535'],
    ['postgresql://u:secret@h:port/x', 'DATABASE_URL must have a port from 1 to 65535'],
    ['postgresql://u:100%secret@h/x', 'must be percent-encoded (@ is %40, / is %2F, # is %23, % is %25)'],
    ['postgresql://u:12/secret@h/x', 'must be percent-encoded'],
    ['postgresql://u:secret@h/x?sslmode=allow', 'DATABASE_URL has an unknown sslmode: it is one of disable'],
    [
      'postgresql://u:secret@h/x?sslmode=verify-ca&uselibpqcompat=true',
      'DATABASE_URL has the sslmode verify-ca, which needs sslrootcert',
    ],
    [
      'postgresql://u:secret@h/x?sslmode=verify-full&sslrootcert=/no/file',
      'DATABASE_URL names a file that cannot be read (ENOENT): /no/file',
    ],
    ['mysql://u:secret@h/x', 'DATABASE_URL must be a PostgreSQL connection string'],
  ])('%s is refused', (given, words) => {
    const problem = problemOf({ DATABASE_URL: given })
    expect(problem).toContain(words)
    expect(problem).not.toContain('secret')
  })
})

describe('the variables of libpq', () => {
  it('replace DATABASE_URL', () => {
    const environment = {
      PGHOST: 'h',
      PGPORT: '2',
      PGUSER: 'u@',
      PGPASSWORD: 's/',
      PGDATABASE: 'x y',
      PGSSLMODE: 'require',
      PGSSLROOTCERT: AUTHORITY,
    }
    expect(urlOf(environment)).toBe(
      `postgresql://u%40:s%2F@h:2/x%20y?sslmode=verify-full&${AUTHORITY_IN_URL}`,
    )
  })

  it('have the defaults of libpq', () => {
    expect(urlOf({ PGHOST: 'h' })).toBe(`postgresql://${SYSTEM_USER}@h:1/${SYSTEM_USER}?${DEFAULT_FILE}`)
    expect(urlOf({ PGDATABASE: 'x' })).toBe(`postgresql://${SYSTEM_USER}@localhost:1/x?${DEFAULT_FILE}`)
    expect(parseDatabaseConfig({ PGHOST: 'h', PGUSER: 'u' }).databaseUrl).toBe(
      `postgresql://u@h:5432/u?${DEFAULT_FILE}`,
    )
  })

  it('fill in only the parameters that DATABASE_URL leaves out', () => {
    const others = { PGHOST: 'other', PGUSER: 'other', PGDATABASE: 'other', PGSSLMODE: 'verify-full' }
    const filled = { ...others, PGPORT: '2', PGPASSWORD: 's', PGSSLROOTCERT: AUTHORITY }
    expect(urlOf({ DATABASE_URL: 'postgresql://u@h/x?sslmode=disable', ...filled })).toBe(
      `postgresql://u:s@h:2/x?sslmode=disable&${AUTHORITY_IN_URL}`,
    )
  })

  it('name the password file, unless there is a password', () => {
    expect(urlOf({ PGHOST: 'h', PGUSER: 'u', PGPASSFILE: 'file' })).toBe('postgresql://u@h:1/u?passfile=file')
    expect(urlOf({ PGHOST: 'h', PGUSER: 'u', PGPASSFILE: 'file', PGPASSWORD: 's' })).toBe(
      'postgresql://u:s@h:1/u',
    )
  })

  it.each<[Environment, string]>([
    [{ PGHOST: 'a,b' }, 'PGHOST names several hosts'],
    [{ PGHOST: 'h', PGPORT: 'x' }, 'PGPORT must have a port'],
    [{ PGHOST: 'h', PGSSLMODE: 'allow' }, 'PGSSLMODE has an unknown sslmode'],
    [{ PGHOST: 'h', PGSSLROOTCERT: '/no/file' }, 'PGSSLROOTCERT names a file that cannot be read (ENOENT)'],
  ])('%o are refused', (environment, words) => {
    expect(problemOf(environment)).toContain(words)
  })

  it('are named where there is no address at all', () => {
    expect(problemOf({ PGHOST: '' })).toMatch(/DATABASE_URL is not set\. .* or set PGHOST/)
  })

  it('must name the user where the system has no name for it', () => {
    vi.spyOn(os, 'userInfo').mockImplementation(() => {
      throw new Error('uv_os_get_passwd returned ENOENT')
    })
    expect(problemOf({ PGHOST: 'h' })).toContain('PGUSER is not set')
    expect(urlOf({ PGHOST: 'h', PGUSER: 'u' })).toContain('postgresql://u@h')
  })
})
