import { accessSync, constants, existsSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { Environment } from './environment.ts'
import { CONNECTION_VARIABLES } from './variables.ts'

/** Parameters of a connection, by the names that libpq has for them. None is empty. */
type ConnectionParameters = Readonly<Record<string, string>>

/** DATABASE_URL, with its name for problems. */
interface Variable {
  readonly name: string
  readonly text: string
}

/** Returns a URL without any parameter where a variable of libpq is set, so that DATABASE_URL need not be. */
export function urlOfVariables(environment: Environment): string | undefined {
  return Object.keys(CONNECTION_VARIABLES).some((name) => environment[name]) ? 'postgresql://' : undefined
}

/**
 * Adds the parameters that a DATABASE_URL leaves out, from the variables of libpq and then libpq's defaults. So the driver
 * reads none of these variables, and gets one form of URL. It has a user, one host, a port, a database, and a password or
 * the path of a password file.
 */
export function completeDatabaseUrl(
  variable: Variable,
  environment: Environment,
  problems: string[],
): string {
  const given = parseUrl(variable, problems)
  const parameters = { ...readVariables(environment), ...given }
  const nameOf = (parameter: string) => (parameter in given ? variable.name : variableOf(parameter))
  checkServer(parameters, nameOf, problems)
  checkTls(parameters, nameOf, problems)
  checkFiles(parameters, nameOf, problems)
  return formatUrl(withDriverTls(withDefaults(parameters, nameOf, problems)))
}

const URL_FORM =
  /^postgres(?:ql)?:\/\/(?:(?<user>[^:@/?#]*)(?::(?<password>[^@/?#]*))?@)?(?<place>[^@/?#]*)(?:\/(?<dbname>[^@?#]*))?(?:\?(?<query>[^#]*))?$/

/** One host, IPv6 in brackets, and its port. */
const PLACE_FORM = /^(?<host>\[[^\]]*\]|[^:,]*)(?::(?<port>[^,]*))?$/

function parseUrl({ name, text }: Variable, problems: string[]): ConnectionParameters {
  const groups = canDecode(text) ? URL_FORM.exec(text.trim())?.groups : undefined
  if (!groups) {
    explainForm(name, text, problems)
    return {}
  }
  const { place = '', query, ...others } = groups
  // Several hosts do not match, and stay one text, which checkServer refuses.
  const { host = place, port } = PLACE_FORM.exec(place)?.groups ?? {}
  const parts = { ...others, host: host.replace(/^\[(.*)\]$/, '$1'), port }
  const decoded = Object.entries(parts).map(
    ([part, value = '']) => [part, decodeURIComponent(value)] as const,
  )
  return Object.fromEntries([...decoded, ...new URLSearchParams(query)].filter(([, value]) => value !== ''))
}

/** Returns true when each % of a text begins an encoded character. */
export function canDecode(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

function explainForm(name: string, text: string, problems: string[]): void {
  if (/^postgres(ql)?:\/\//.test(text)) {
    problems.push(
      `${name} has a character in its user or password that must be percent-encoded (@ is %40, / is %2F, # is %23, % is %25)`,
    )
  } else if (/^\s*\w+\s*=/.test(text)) {
    problems.push(`${name} must be a URL. Write host=h dbname=d as postgresql://h/d`)
  } else {
    problems.push(
      `${name} must be a PostgreSQL connection string, such as postgresql://user:password@host:5432/name`,
    )
  }
}

function readVariables(environment: Environment): ConnectionParameters {
  return Object.fromEntries(
    Object.entries(CONNECTION_VARIABLES).flatMap(([name, { parameter }]) => {
      const value = environment[name]
      return value ? [[parameter, value]] : []
    }),
  )
}

function variableOf(wanted: string): string {
  const [name = ''] =
    Object.entries(CONNECTION_VARIABLES).find(([, { parameter }]) => parameter === wanted) ?? []
  return name
}

type NameOf = (parameter: string) => string

function checkServer(parameters: ConnectionParameters, nameOf: NameOf, problems: string[]): void {
  const { host = '', port = '5432', target_session_attrs: attributes } = parameters
  if (host.includes(',')) {
    const name = nameOf('host')
    problems.push(`${name} names several hosts. Name one: the primary, or a proxy that leads to it`)
  } else if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
    const name = nameOf('port')
    problems.push(`${name} must have a port from 1 to 65535`)
  }
  if (attributes !== undefined && attributes !== 'any') {
    const name = nameOf('target_session_attrs')
    problems.push(`${name} has target_session_attrs, which is not supported. Remove it, and name the primary`)
  }
}

const SSL_MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify']

function checkTls(parameters: ConnectionParameters, nameOf: NameOf, problems: string[]): void {
  const { sslmode, sslrootcert } = parameters
  const name = nameOf('sslmode')
  if (sslmode !== undefined && !SSL_MODES.includes(sslmode)) {
    problems.push(`${name} has an unknown sslmode: it is one of ${SSL_MODES.join(', ')}`)
  }
  if (hasWeakTls(parameters) && sslmode === 'verify-ca' && sslrootcert === undefined) {
    problems.push(
      `${name} has the sslmode verify-ca, which needs sslrootcert here. Add it, or use verify-full`,
    )
  }
}

/** Otherwise the driver would fail at each connection. */
function checkFiles(parameters: ConnectionParameters, nameOf: NameOf, problems: string[]): void {
  for (const parameter of ['sslrootcert', 'sslcert', 'sslkey']) {
    const file = parameters[parameter]
    const name = nameOf(parameter)
    try {
      if (file !== undefined) accessSync(file, constants.R_OK)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      problems.push(`${name} names a file that cannot be read (${code}): ${file}`)
    }
  }
}

/** The modes of TLS mean what they mean for libpq. */
function hasWeakTls({ uselibpqcompat }: ConnectionParameters): boolean {
  return uselibpqcompat === 'true'
}

/**
 * Writes `verify-full` for the modes that the driver treats as such, because the driver warns that this will change. A
 * socket of this machine has no TLS, as for libpq.
 */
function withDriverTls(parameters: ConnectionParameters): ConnectionParameters {
  const { host = '', sslmode = '' } = parameters
  if (host.startsWith('/')) return { ...parameters, sslmode: 'disable' }
  const isVerified = ['prefer', 'require', 'verify-ca'].includes(sslmode) && !hasWeakTls(parameters)
  return isVerified ? { ...parameters, sslmode: 'verify-full' } : parameters
}

/** The folders in which a server of this machine has its socket: that of Linux distributions, and that of PostgreSQL. */
const SOCKET_FOLDERS = ['/var/run/postgresql', '/tmp']

function withDefaults(
  parameters: ConnectionParameters,
  nameOf: NameOf,
  problems: string[],
): ConnectionParameters {
  const { port = CONNECTION_VARIABLES.PGPORT.default, user = systemUser(nameOf('user'), problems) } =
    parameters
  const socket = SOCKET_FOLDERS.find((folder) => existsSync(`${folder}/.s.PGSQL.${port}`))
  const host = socket ?? CONNECTION_VARIABLES.PGHOST.default
  return { host, dbname: user, passfile: path.join(os.homedir(), '.pgpass'), ...parameters, port, user }
}

function systemUser(name: string, problems: string[]): string {
  try {
    return os.userInfo().username
  } catch {
    // A container may run as a user that its system has no entry for.
    problems.push(`${name} is not set, but is required, because the user of this process has no name`)
    return ''
  }
}

function formatUrl(parameters: ConnectionParameters): string {
  const { user = '', password, host = '', port = '', dbname = '', passfile = '', ...others } = parameters
  const secret = password === undefined ? '' : `:${encodeURIComponent(password)}`
  const place = host.includes(':') ? `[${host}]` : encodeURIComponent(host)
  const query = String(new URLSearchParams(password === undefined ? { ...others, passfile } : others))
  const address = `${encodeURIComponent(user)}${secret}@${place}:${port}/${encodeURIComponent(dbname)}`
  return `postgresql://${address}${query === '' ? '' : `?${query}`}`
}
