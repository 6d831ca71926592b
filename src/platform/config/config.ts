import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { decodeText } from '../decode-text.ts'
import { ConfigurationError } from '../errors.ts'
import { canDecode, completeDatabaseUrl, urlOfVariables } from './database-url.ts'
import type { Environment } from './environment.ts'
import { type Form, VARIABLES, type VariableName, type Variables } from './variables.ts'

/** Settings by name: SYNC_BATCH_SIZE is `batchSize`, DATABASE_URL is `databaseUrl`. */
export type Config<Name extends VariableName> = {
  readonly [N in Name as Property<N>]: ValueOf<Variables[N]>
}

/** The settings of a command that needs the database only. */
export type DatabaseConfig = Config<'DATABASE_URL' | 'LOG_LEVEL'>

/** The settings of a run. docs/reference.md has the table of variables and defaults. */
export type SyncConfig = Config<RunVariable>

type RunVariable = {
  [N in VariableName]: Variables[N] extends { notOfRuns: true } ? never : N
}[VariableName]

/** @throws ConfigurationError that names every wrong variable, never its value. */
export function parseDatabaseConfig(environment: Environment): DatabaseConfig {
  return parseVariables(['DATABASE_URL', 'LOG_LEVEL'], environment)
}

/**
 * The settings of a command that removes data. It connects with a role of its own where one is configured.
 *
 * @throws ConfigurationError that names every wrong variable, never its value.
 */
export function parseMaintenanceConfig(environment: Environment): DatabaseConfig {
  const { maintenanceDatabaseUrl: databaseUrl, logLevel } = parseVariables(
    ['MAINTENANCE_DATABASE_URL', 'LOG_LEVEL'],
    environment,
  )
  return databaseUrl === null ? parseDatabaseConfig(environment) : { databaseUrl, logLevel }
}

/** @throws ConfigurationError that names every wrong variable, never its value. */
export function parseSyncConfig(environment: Environment): SyncConfig {
  const names = Object.keys(VARIABLES) as VariableName[]
  const ofRuns = names.filter((name): name is RunVariable => !('notOfRuns' in VARIABLES[name]))
  return parseVariables(ofRuns, environment)
}

/** The property is the name without its SYNC_ or IDENTIFAI_, in camel case. */
type Property<Name> = Name extends `${'SYNC' | 'IDENTIFAI'}_${infer Rest}` ? CamelCase<Rest> : CamelCase<Name>

type CamelCase<Name> = Name extends `${infer Head}_${infer Tail}`
  ? `${Lowercase<Head>}${Capitalize<CamelCase<Tail>>}`
  : Lowercase<Name & string>

type ValueOf<V> = V extends { form: { kind: 'integer' | 'rate' } }
  ? number | NullOf<V>
  : V extends { form: { kind: 'urls' } }
    ? readonly string[]
    : V extends { form: { values: readonly (infer Value)[] } }
      ? Value
      : string | NullOf<V>

type NullOf<V> = V extends { default: null } ? null : never

/** Parses the text of a variable. */
type Parser<F extends Form> = (form: F) => z.ZodType<string | number | readonly string[]>

/** A parser for each kind of form. Those of the daemon, which need a package of their own, are in daemon-config.ts. */
export type Parsers = { readonly [K in Form['kind']]?: Parser<Extract<Form, { kind: K }>> }

/** @throws ConfigurationError that names every wrong variable, never its value. */
export function parseVariables<Name extends VariableName>(
  names: readonly Name[],
  environment: Environment,
  more: Parsers = {},
): Config<Name> {
  const problems: string[] = []
  const values = names.map((name) => {
    const { form } = VARIABLES[name]
    const text = readText(name, environment, problems)
    if (text === null) return [propertyOf(name), null]
    if (form.kind === 'databaseUrl')
      return [propertyOf(name), completeDatabaseUrl({ name, text }, environment, problems)]
    const parser = { ...PARSERS, ...more }[form.kind] as Parser<Form>
    const result = parser(form).safeParse(text)
    for (const { message } of result.error?.issues ?? []) problems.push(`${name} ${message}`)
    return [propertyOf(name), result.data]
  })
  if (problems.length > 0) throw new ConfigurationError([...new Set(problems)])
  return Object.freeze(Object.fromEntries(values)) as Config<Name>
}

function propertyOf(name: string): string {
  return name
    .replace(/^(SYNC|IDENTIFAI)_/, '')
    .toLowerCase()
    .replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

/** The text to parse: the given value or the default; null where there is none, after a problem for a required one. */
function readText(name: VariableName, environment: Environment, problems: string[]): string | null {
  const variable = VARIABLES[name]
  const before = problems.length
  const given = 'secret' in variable ? readSecret(name, environment, problems) : environment[name]
  const value = given ?? ('lowerCaseToo' in variable ? environment[name.toLowerCase()] : undefined)
  // An env file writes VARIABLE= for a variable that is not set.
  if (value !== undefined && value !== '') return value
  if ('default' in variable) return variable.default
  const ofVariables = variable.form.kind === 'databaseUrl' ? urlOfVariables(environment) : undefined
  if (ofVariables !== undefined) return ofVariables
  if (problems.length === before) problems.push(`${name} is not set. Set it to ${variable.hint}`)
  return null
}

/** A secret is in the variable itself, or in the file that VARIABLE_FILE names. */
function readSecret(name: string, environment: Environment, problems: string[]): string | undefined {
  const file = environment[`${name}_FILE`]
  if (!file) return environment[name]
  if (environment[name]) problems.push(`${name} and ${name}_FILE are both set. Keep one of them`)
  try {
    return decodeText(readFileSync(file)).trim()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    problems.push(
      code === 'ENOENT'
        ? `${name}_FILE names a file that does not exist: ${file}`
        : `${name}_FILE names a file that cannot be read (${code}): ${file}`,
    )
    return undefined
  }
}

const PARSERS: Parsers = {
  text: () => z.string(),
  headerValue: () =>
    z.string().regex(/^[\x21-\x7e]+$/, {
      error: 'must be printable ASCII without spaces or line breaks, as an HTTP header needs',
    }),
  apiUrl: () =>
    z
      .string()
      .refine(isApiUrl, {
        error:
          'must be an https URL without query or credentials (http is accepted for a loopback host only)',
      })
      .transform((url) => url.replace(/\/+$/, '')),
  proxyUrl: () =>
    z.string().refine(isHttpUrl, {
      error:
        'must be the URL of a proxy, such as http://proxy.example:3128, with %25 for each % of its user and password',
    }),
  signingKey: () =>
    z.string().refine(isSigningKey, {
      error: 'must be an Ed25519 private key in PEM. Make one with: openssl genpkey -algorithm ed25519',
    }),
  url: () =>
    z.string().refine(isHttpUrl, {
      error: 'must be an http or https URL, with %25 for each % of its user and password',
    }),
  webhookSecret: () =>
    z.string().refine(isWebhookSecret, {
      error:
        'must be whsec_ and the base64 of 24 to 64 random bytes. Make one with: echo whsec_$(openssl rand -base64 32)',
    }),
  urls: () =>
    z
      .string()
      .transform((text) => text.match(/[^\s,]+/g) ?? [])
      .refine((urls) => urls.every(isHttpUrl), {
        error:
          'must be http or https URLs, separated by commas, with %25 for each % of their users and passwords',
      }),
  integer: ({ least, most }) => {
    const error = `must be a whole number from ${least} to ${most}`
    return z
      .string()
      .regex(/^\d+$/, { error, abort: true })
      .transform(Number)
      .refine((value) => value >= least && value <= most, { error })
  },
  rate: () => {
    const error = 'must be a number above 0'
    return z
      .string()
      .regex(/^\d+(\.\d+)?$/, { error, abort: true })
      .transform(Number)
      .refine((value) => value > 0, { error })
  },
  oneOf: ({ values }) => z.enum(values, { error: `must be one of ${values.join(', ')}` }),
}

function isSigningKey(text: string): boolean {
  try {
    return createPrivateKey(text).asymmetricKeyType === 'ed25519'
  } catch {
    return false
  }
}

function isWebhookSecret(text: string): boolean {
  const [, base64 = ''] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? []
  const { length } = Buffer.from(base64, 'base64')
  return length >= 24 && length <= 64
}

/** Returns true for a URL of HTTP. A % in its user or password has to begin an encoded character. */
function isHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, username, password } = new URL(text)
  return ['http:', 'https:'].includes(protocol) && [username, password].every(canDecode)
}

function isApiUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  if (url.search || url.hash || url.username || url.password) return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))
}

/** Returns true when a host, with or without the brackets of an IPv6 address in a URL, is this machine. */
export function isLoopback(host: string): boolean {
  return ['localhost', '::1', '[::1]'].includes(host) || /^127\.\d+\.\d+\.\d+$/.test(host)
}
