/**
 * Exit codes of the command line, a public contract (README).
 * 130 and 143 are not here: they follow from the signal that interrupted a clean stop.
 */
export const EXIT_CODE = {
  fine: 0,
  unexpected: 1,
  usage: 2,
  partial: 3,
  keyRefused: 4,
  database: 5,
  notVerified: 6,
  gaveUp: 7,
} as const

export type ExitCode = (typeof EXIT_CODE)[keyof typeof EXIT_CODE]

/** The exit code that tells an operator's scheduler what `error` was. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof PermanentError) return error.exitCode
  if (error instanceof RetryableError) return EXIT_CODE.gaveUp
  return EXIT_CODE.unexpected
}

/** Something that may be better when it is tried again; nothing about the request was wrong. */
export abstract class RetryableError extends Error {
  abstract override name: string
}

/** Something that trying again cannot mend: a person has to change something first. */
export abstract class PermanentError extends Error {
  abstract override name: string
  abstract readonly exitCode: ExitCode
}

/** The command line or the configuration is wrong; the message says what to write instead. */
export class UsageError extends PermanentError {
  override name = 'UsageError'
  readonly exitCode = EXIT_CODE.usage
}

/** Settings are wrong; each problem names its variable, never its value. */
export class ConfigurationError extends UsageError {
  override name = 'ConfigurationError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(
      problems.length === 1
        ? `Configuration: ${problems[0]}.`
        : `Configuration: ${problems.length} problems.\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    )
    this.problems = problems
  }
}

/** The database cannot be reached, refuses us, or lacks the schema. */
export class DatabaseError extends PermanentError {
  override name = 'DatabaseError'
  readonly exitCode = EXIT_CODE.database
}

/** The API refuses the key (401, 403). */
export class ApiKeyRefusedError extends PermanentError {
  override name = 'ApiKeyRefusedError'
  readonly exitCode = EXIT_CODE.keyRefused
}

/** The API answers something that makes no sense for the request: a wrong address, or a changed contract. */
export class ApiResponseError extends PermanentError {
  override name = 'ApiResponseError'
  readonly exitCode = EXIT_CODE.gaveUp
}

/** A report would not have everything that its period asks for. */
export class ReportRefusedError extends PermanentError {
  override name = 'ReportRefusedError'
  readonly exitCode = EXIT_CODE.notVerified
}

/** What would be proved is not what was sealed. */
export class AlteredError extends PermanentError {
  override name = 'AlteredError'
  readonly exitCode = EXIT_CODE.notVerified

  constructor(what: string) {
    super(
      `There is no proof: ${what} is not as it was sealed. See what else is not: identifai-sync report verify`,
    )
  }
}

/** The API, or the proxy before it, cannot prove who it is: the key is not sent there. */
export class ApiUntrustedError extends PermanentError {
  override name = 'ApiUntrustedError'
  readonly exitCode = EXIT_CODE.gaveUp

  constructor(place: string, cause: Error) {
    super(
      `${place}: its certificate is not trusted (${cause.message}). If a private authority issued it, name that by NODE_EXTRA_CA_CERTS.`,
      { cause },
    )
  }
}

/** Request after request was lost: whatever is wrong, going on would not help. */
export class GaveUpError extends PermanentError {
  override name = 'GaveUpError'
  readonly exitCode = EXIT_CODE.gaveUp

  constructor(whatFailed: string, last: Error) {
    super(`Gave up: ${whatFailed}; the last one: ${last.message}`, { cause: last })
  }
}

/** Answers are not about the identifiers asked for, but about all of them: going on would ruin their states. */
export class CircuitBrokenError extends PermanentError {
  override name = 'CircuitBrokenError'
  readonly exitCode = EXIT_CODE.gaveUp

  constructor(likelyCause: string) {
    super(`Stopped to protect what is known; nothing was changed for these. ${likelyCause}`)
  }
}

/** Another process has closed this run: it had shown no sign of life for too long. */
export class RunClosedError extends PermanentError {
  override name = 'RunClosedError'
  readonly exitCode = EXIT_CODE.gaveUp

  constructor(runId: string) {
    super(
      `Run ${runId} was closed by another process: this one had shown no sign of life for longer than a lease.`,
    )
  }
}

/** The API asks for a pause that is longer than a pass should stand still. */
export class PauseTooLongError extends PermanentError {
  override name = 'PauseTooLongError'
  readonly exitCode = EXIT_CODE.gaveUp
}

/** No usable answer this time: a time-out, a reset, an overloaded server, a body cut off. */
export class ApiUnavailableError extends RetryableError {
  override name = 'ApiUnavailableError'
}

/** The API says that the quota is used up (429). */
export class ThrottledError extends RetryableError {
  override name = 'ThrottledError'
  /** What `Retry-After` asks for, in milliseconds; undefined when it asks for nothing. */
  readonly retryAfterMs: number | undefined

  constructor(message: string, waitMs: number | undefined) {
    super(message)
    this.retryAfterMs = waitMs
  }
}
