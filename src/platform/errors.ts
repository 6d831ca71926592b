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
  unexpected: 'unexpected error, which is a bug',
  usage: 'usage or configuration error',
  partial:
    'partial success: something was quarantined, released, invalid or not tracked, or reconcile found a difference',
  keyRefused: 'the API refused the key',
  database: 'database unreachable, not migrated, or without a privilege',
  notVerified: 'report refused because it would be incomplete, or verification found a difference',
  gaveUp: 'the run gave up, because requests failed in a row or the responses made no sense',
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

/** A transient failure: another attempt may succeed. The message is a phrase that fits into a sentence. */
export abstract class RetryableError extends Error {
  /** The next step for the operator when the failure lasts. */
  abstract readonly remedy: string

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
  }
}

/**
 * A permanent failure: a person has to change something before another attempt can succeed. The message is the problem and
 * the remedy. docs/reference.md lists both from the source, so each is a literal where the error is created.
 */
export abstract class PermanentError extends Error {
  readonly exitCode: ExitCode = EXIT_CODE.gaveUp
  /** The failed action and its cause, in full sentences. */
  readonly problem: string
  /** The next step for the reader, in full sentences. */
  readonly remedy: string

  constructor(problem: string, remedy: string, options?: ErrorOptions) {
    super(`${problem}${problem.includes('\n') ? '\n' : ' '}${remedy}`, options)
    this.name = new.target.name
    this.problem = problem
    this.remedy = remedy
  }
}

/** The command line is wrong, or a file that it names. */
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
      'identifai-sync --help lists every variable.',
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

  constructor(row: string) {
    super(
      `There is no proof, because ${row} differs from its sealed form.`,
      'Run identifai-sync report verify to list all differences.',
    )
  }
}

/** The certificate of the API, or of the proxy before it, is not trusted: the key is not sent there. */
export class ApiUntrustedError extends PermanentError {
  constructor(place: string, cause: Error) {
    super(
      `${place}: the certificate is not trusted (${cause.message}), so the key was not sent.`,
      'Find out who issued it, because a proxy may intercept the connection. Trust a private authority with NODE_EXTRA_CA_CERTS.',
      { cause },
    )
  }
}

/** Too many requests failed in a row, so that more of them would not help. */
export class GaveUpError extends PermanentError {
  constructor(failures: string, last: Error) {
    super(
      `The run gave up, because ${failures} failed. The last failure: ${last.message}.`,
      'Run it again later: released identifiers are still due. If it lasts, run identifai-sync doctor, which finds a wrong address.',
      { cause: last },
    )
  }
}

/** The responses are not about the requested identifiers but about all of them: more of them would ruin their states. */
export class CircuitBrokenError extends PermanentError {}

/** Another process has closed this run, because it recorded no heartbeat for too long. */
export class RunClosedError extends PermanentError {
  constructor(runId: string) {
    super(
      `Run ${runId} was closed by another process, because it recorded no heartbeat for longer than a lease.`,
      'Find out what suspended this process. The next run requests the identifiers that are left.',
    )
  }
}

/** The API requests a pause that is longer than a run waits. */
export class PauseTooLongError extends PermanentError {}

/** No usable response: a timeout, a reset, an overloaded server, an incomplete body. */
export class ApiUnavailableError extends RetryableError {
  override readonly remedy =
    'Runs repeat the request. If it lasts, check the status page of the API, IDENTIFAI_API_URL, the firewall, HTTPS_PROXY and NO_PROXY.'
  /** Pause of the header `Retry-After`, in milliseconds; undefined without one. */
  readonly retryAfterMs: number | undefined
  /** The body is a text in place of JSON, such as the web page of another server. */
  readonly isPage: boolean

  constructor(
    message: string,
    options: ErrorOptions & { readonly retryAfterMs?: number | undefined; readonly isPage?: boolean } = {},
  ) {
    super(message, options)
    this.retryAfterMs = options.retryAfterMs
    this.isPage = options.isPage ?? false
  }
}

/** The quota is used up (429). */
export class ThrottledError extends RetryableError {
  override readonly remedy =
    'Runs wait and repeat the request. If it lasts, find out which other program uses the same key.'
  /** Pause of the header `Retry-After`, in milliseconds; undefined without one. */
  readonly retryAfterMs: number | undefined

  constructor(message: string, waitMs: number | undefined) {
    super(message)
    this.retryAfterMs = waitMs
  }
}
