import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { decodeText } from '../decode-text.ts'
import { UsageError } from '../errors.ts'
import { unknownVariables } from './unknown-variables.ts'
import { type VariableName, VARIABLES } from './variables.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Reads the environment, and `.env` of the working directory; the environment itself takes precedence. */
export function readEnvironment(): {
  readonly environment: Environment
  /** Variables that have no effect, each with a similar name. */
  readonly unknown: readonly string[]
} {
  const written = readEnvFile()
  if (written.NODE_EXTRA_CA_CERTS && !process.env.NODE_EXTRA_CA_CERTS) {
    throw new UsageError(
      'NODE_EXTRA_CA_CERTS has no effect in .env, because Node reads it when it starts.',
      'Set it in the environment.',
    )
  }
  const given = Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== ''))
  const left = Object.entries(written).filter(([name]) =>
    otherNames(name).every((other) => given[other] === undefined),
  )
  return {
    environment: { ...Object.fromEntries(left), ...given },
    unknown: unknownVariables({ environment: Object.keys(process.env), file: Object.keys(written) }),
  }
}

/** The other names of a variable: of the value or of the file of a secret, and those in the other case. */
function otherNames(name: string): string[] {
  const counterpart = name.endsWith('_FILE') ? name.replace(/_FILE$/, '') : `${name}_FILE`
  const upperCase = name.toUpperCase()
  const variable = VARIABLES[upperCase as VariableName] ?? {}
  return 'lowerCaseToo' in variable ? [counterpart, upperCase, name.toLowerCase()] : [counterpart]
}

/**
 * A missing file is not an error.
 *
 * @throws UsageError when the file cannot be read, or when a line would silently have less effect than its writer expects.
 */
function readEnvFile(): Environment {
  const text = readIfExists('.env')
  refuseMisleadingLines(text)
  return parseEnv(text)
}

function readIfExists(path: string): string {
  try {
    return decodeText(readFileSync(path))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw new UsageError(
      `The file ${path} cannot be read (${(error as Error).message}).`,
      'Correct its permissions, or remove it.',
    )
  }
}

/** A value in quotes, which may have several lines. */
const QUOTED_VALUE = /=[ \t]*(["'`])[^]*?\1/g

/** Names lines by their number only, because they may have secrets. */
function refuseMisleadingLines(text: string): void {
  // The line breaks of such a value stay, so that the numbers of the lines are right.
  const unquoted = text.replace(QUOTED_VALUE, (quoted) => `=${quoted.replace(/[^\n]/g, '')}`)
  for (const [position, line] of unquoted.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line)) continue
    if (!/^\s*(export\s+)?[\w.-]+\s*=/.test(line)) {
      throw new UsageError(
        `Line ${position + 1} of .env has not the form NAME=value, so it would have no effect.`,
        'Correct it, or write # before it.',
      )
    }
    if (/^[^=]*=\s*["'`]/.test(line)) {
      throw new UsageError(
        `Line ${position + 1} of .env has a quotation mark that is not closed.`,
        'Close it, or write the value in other quotation marks.',
      )
    }
    if (/^[^=]*=\s*[^\s#][^#]*(?<!\s)#/.test(line)) {
      throw new UsageError(
        `Line ${position + 1} of .env has a # in a value without quotes, which would end there.`,
        'Write the value in quotes. A comment needs a space before the #.',
      )
    }
  }
}
