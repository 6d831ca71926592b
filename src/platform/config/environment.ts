import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { decodeText } from '../decode-text.ts'
import { UsageError } from '../errors.ts'
import { type UnknownVariable, unknownVariables } from './unknown-variables.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Reads the environment, and `.env` of the working directory; the environment itself takes precedence. */
export function readEnvironment(): {
  readonly environment: Environment
  /** Variables that have no effect. */
  readonly unknown: readonly UnknownVariable[]
} {
  const written = readEnvFile()
  if (written.NODE_EXTRA_CA_CERTS && !process.env.NODE_EXTRA_CA_CERTS) {
    throw new UsageError(
      'NODE_EXTRA_CA_CERTS has no effect in .env, because Node reads it when it starts.',
      'Set it in the environment.',
    )
  }
  const given = Object.entries(process.env).filter(([, value]) => value !== '')
  return {
    environment: { ...written, ...Object.fromEntries(given) },
    unknown: unknownVariables({ environment: Object.keys(process.env), file: Object.keys(written) }),
  }
}

/** A missing file is not an error. */
function readEnvFile(): Environment {
  try {
    return parseEnv(decodeText(readFileSync('.env')))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw new UsageError(
      `The file .env cannot be read (${(error as Error).message}).`,
      'Correct its permissions, or remove it.',
    )
  }
}
