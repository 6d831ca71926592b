/** A closed terminal (SIGHUP) asks for a clean stop, too. */
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const

/** A second signal this soon after the first is the same key press, or npm passing it on. */
const SECOND_SIGNAL_AFTER_MS = 1000

/** A clean stop takes a moment. One that takes longer than this hangs on something that has failed. */
const CLEAN_STOP_MS = 9000

export interface Interrupt extends Disposable {
  /** Aborted by the first SIGHUP, SIGINT or SIGTERM. */
  readonly signal: AbortSignal
  /** 128 and the number of the signal, once interrupted, after a clean stop. */
  readonly exitCode: number | undefined
}

/**
 * Turns signals into one AbortSignal: the first asks for a clean stop, a later one ends the process at once. So does a
 * stop that hangs: leases run out by themselves, and the next pass closes the run.
 */
export function listenForInterrupt(): Interrupt {
  const controller = new AbortController()
  let exitCode: number | undefined
  let firstAt = 0
  const listeners = Object.entries(SIGNALS).map(([name, code]) => {
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
