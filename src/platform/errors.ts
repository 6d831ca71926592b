/**
 * Exit codes of the command line, a public contract. Those of an interrupted run follow from the signal, and are in
 * SIGNAL_EXIT_CODES.
 */
export const EXIT_CODE = {
  success: 0,
  unexpected: 1,
  usage: 2,
  partial: 3,
  keyRefused: 4,
  database: 5,
  notVerified: 6,
  gaveUp: 7,
} as const

/** Each exit code for people, in the order of their numbers. */
export const EXIT_CODE_MEANINGS: Readonly<Record<keyof typeof EXIT_CODE, string>> = {
  success: 'success',
  unexpected: 'unexpected error',
  usage: 'usage or configuration error',
  partial:
    'finished, but partial: something was quarantined, released or invalid; or reconcile found a difference',
  keyRefused: 'the API refused the key',
  database: 'database unreachable or not migrated',
  notVerified: 'report refused because it would be incomplete, or verification failed',
  gaveUp: 'the run gave up: transient failures in a row, or responses that make no sense',
}

/** The exit codes after a signal and a clean stop. */
export const SIGNAL_EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const

export type ExitCode = (typeof EXIT_CODE)[keyof typeof EXIT_CODE]

/** The exit code of the process for an error. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof PermanentError) return error.exitCode
  if (error instanceof RetryableError) return EXIT_CODE.gaveUp
  return EXIT_CODE.unexpected
}

/** A transient failure: another attempt may succeed. */
export abstract class RetryableError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
  }
}

/** A permanent failure: a person has to change something before another attempt can succeed. */
export abstract class PermanentError extends Error {
  readonly exitCode: ExitCode = EXIT_CODE.gaveUp

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
  }
}

/** The command line or the configuration is wrong; the message says what to write instead. */
export class UsageError extends PermanentError {
  override readonly exitCode = EXIT_CODE.usage
}

/** Settings are wrong; each problem names its variable, never its value. */
export class ConfigurationError extends UsageError {
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

/** The database cannot be reached, refuses the connection, or lacks the schema. */
export class DatabaseError extends PermanentError {
  override readonly exitCode = EXIT_CODE.database
}

/** The API refuses the key (401, 403). */
export class ApiKeyRefusedError extends PermanentError {
  override readonly exitCode = EXIT_CODE.keyRefused
}

/** The response makes no sense for the request: a wrong address, or a changed contract. */
export class ApiResponseError extends PermanentError {}

/** A report would be incomplete for its period. */
export class ReportRefusedError extends PermanentError {
  override readonly exitCode = EXIT_CODE.notVerified
}

/** A row to prove differs from the sealed one. */
export class AlteredError extends PermanentError {
  override readonly exitCode = EXIT_CODE.notVerified

  constructor(what: string) {
    super(
      `There is no proof: ${what} is not as it was sealed. See what else is not: identifai-sync report verify`,
    )
  }
}

/** The certificate of the API, or of the proxy before it, is not trusted: the key is not sent there. */
export class ApiUntrustedError extends PermanentError {
  constructor(place: string, cause: Error) {
    super(
      `${place}: its certificate is not trusted (${cause.message}). If a private authority issued it, name that by NODE_EXTRA_CA_CERTS.`,
      { cause },
    )
  }
}

/** Too many requests failed in a row, so that more of them would not help. */
export class GaveUpError extends PermanentError {
  constructor(failures: string, last: Error) {
    super(`Gave up: ${failures}; the last one: ${last.message}`, { cause: last })
  }
}

/** The responses are not about the requested identifiers but about all of them: more of them would ruin their states. */
export class CircuitBrokenError extends PermanentError {
  constructor(likelyCause: string) {
    super(`Stopped to protect what is known; nothing was changed for these. ${likelyCause}`)
  }
}

/** Another process has closed this run, because it recorded no heartbeat for too long. */
export class RunClosedError extends PermanentError {
  constructor(runId: string) {
    super(
      `Run ${runId} was closed by another process, because it recorded no heartbeat for longer than a lease.`,
    )
  }
}

/** The API requests a pause that is longer than a run waits. */
export class PauseTooLongError extends PermanentError {}

/** No usable response: a timeout, a reset, an overloaded server, an incomplete body. */
export class ApiUnavailableError extends RetryableError {}

/** The quota is used up (429). */
export class ThrottledError extends RetryableError {
  /** Pause of the header `Retry-After`, in milliseconds; undefined without one. */
  readonly retryAfterMs: number | undefined

  constructor(message: string, waitMs: number | undefined) {
    super(message)
    this.retryAfterMs = waitMs
  }
}
