import { SIGNAL_EXIT_CODES } from './errors.ts'

/** A second signal within this time is the same key press, or npm passing it on. */
const SECOND_SIGNAL_AFTER_MS = 1000

/** A clean stop takes less time than this; a longer one hangs. */
const CLEAN_STOP_MS = 9000

export interface Interrupt extends Disposable {
  /** Aborted by the first SIGHUP, SIGINT or SIGTERM. */
  readonly signal: AbortSignal
  /** 128 and the number of the signal, once interrupted, after a clean stop. */
  readonly exitCode: number | undefined
}

/**
 * Turns signals, a closed terminal (SIGHUP) included, into one AbortSignal. The first signal requests a clean stop, a later
 * one ends the process immediately, and so does a clean stop that hangs. Then the leases expire, and the next run closes
 * this one.
 */
export function listenForInterrupt(): Interrupt {
  const controller = new AbortController()
  let exitCode: number | undefined
  let firstAt = 0
  const listeners = Object.entries(SIGNAL_EXIT_CODES).map(([name, code]) => {
    const listener = () => {
      if (exitCode === undefined) {
        exitCode = code
        firstAt = performance.now()
        controller.abort(new Error(`interrupted by ${name}`))
        setTimeout(() => process.exit(code), CLEAN_STOP_MS).unref()
      } else if (performance.now() - firstAt >= SECOND_SIGNAL_AFTER_MS) {
        process.exit(code)
      }
    }
    process.on(name, listener)
    return () => process.off(name, listener)
  })
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode
    },
    [Symbol.dispose]: () => {
      for (const stop of listeners) stop()
    },
  }
}
