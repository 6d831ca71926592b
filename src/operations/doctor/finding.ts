import { EXIT_CODE, type ExitCode } from '../../platform/errors.ts'

/** One thing that was looked at, and what was found. The keys are those of the JSON output. */
export interface Finding {
  readonly check: string
  /** A warning is worth a look and changes no exit code; skipped is what an earlier failure left no way to look at. */
  readonly status: 'ok' | 'warning' | 'failed' | 'skipped'
  readonly found: string
  /** What to do about it; null where there is nothing to do. */
  readonly remedy: string | null
  /** The exit code that a failure amounts to. */
  readonly exit_code: ExitCode
}

export function ok(check: string, found: string): Finding {
  return { check, status: 'ok', found, remedy: null, exit_code: EXIT_CODE.fine }
}

export function warning(check: string, found: string, remedy: string): Finding {
  return { check, status: 'warning', found, remedy, exit_code: EXIT_CODE.fine }
}

export function failed(check: string, found: string, remedy: string, code: ExitCode): Finding {
  return { check, status: 'failed', found, remedy, exit_code: code }
}

export function skipped(check: string, because: string): Finding {
  return { check, status: 'skipped', found: because, remedy: null, exit_code: EXIT_CODE.fine }
}

/** Of several failures the first counts: what comes after it may follow from it. */
export function exitCodeOfFindings(findings: readonly Finding[]): ExitCode {
  return findings.find(({ status }) => status === 'failed')?.exit_code ?? EXIT_CODE.fine
}
