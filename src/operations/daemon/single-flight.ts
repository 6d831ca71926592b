/** Passes of one kind in this process: never two at once. */
export interface SingleFlight {
  /** Starts one; does nothing and returns false while one is under way. */
  start(): boolean
  readonly isBusy: boolean
  /** Resolves when none is under way. */
  idle(): Promise<void>
}

/** @param work One pass; what it throws is its own business. */
export function createSingleFlight(work: () => Promise<void>): SingleFlight {
  let underWay: Promise<void> | undefined
  return {
    start: () => {
      if (underWay) return false
      underWay = work().finally(() => {
        underWay = undefined
      })
      return true
    },
    get isBusy() {
      return underWay !== undefined
    },
    idle: async () => underWay,
  }
}
