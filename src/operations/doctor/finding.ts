import { EXIT_CODE, type ExitCode } from '../../platform/errors.ts'

/** The result of a check. */
export interface Result {
  /** Names the part of a check that consists of several. */
  readonly part?: string
  /**
   * A warning needs attention and does not change the exit code. A check is skipped when the failure of an earlier one
   * makes it impossible.
   */
  readonly status: 'ok' | 'warning' | 'failed' | 'skipped'
  readonly found: string
  /** The next step for the operator; null when none is needed. */
  readonly remedy: string | null
  /** The exit code that a failure leads to. */
  readonly exit_code: ExitCode
}

/** A result with the name of its check. The keys are those of the JSON output. */
export interface Finding extends Omit<Result, 'part'> {
  readonly check: string
}

export function ok(found: string): Result {
  return { status: 'ok', found, remedy: null, exit_code: EXIT_CODE.success }
}

export function warning(found: string, remedy: string): Result {
  return { status: 'warning', found, remedy, exit_code: EXIT_CODE.success }
}

export function failed(found: string, remedy: string, code: ExitCode): Result {
  return { status: 'failed', found, remedy, exit_code: code }
}

/** The result of a check that needs another one, which failed. */
export function skipped(found = 'Skipped, because an earlier check failed.'): Result {
  return { status: 'skipped', found, remedy: null, exit_code: EXIT_CODE.success }
}

/** The exit code of the first failure, because later ones may follow from it. */
export function exitCodeOfFindings(findings: readonly Finding[]): ExitCode {
  return findings.find(({ status }) => status === 'failed')?.exit_code ?? EXIT_CODE.success
}
