import type { ForceEvent } from '../../report.ts'
import { isAgainstMachine } from '../../summarize-period.ts'

/** How sure the machine was of the verdicts that were forced otherwise, in steps of a tenth; the last includes 1. */
export function confidenceSteps(
  events: readonly ForceEvent[],
): { readonly from: number; readonly to: number; readonly events: number }[] {
  const steps = events.filter(isAgainstMachine).flatMap(({ machine_confidence_after: confidence }) => {
    return confidence === null ? [] : [stepOf(confidence)]
  })
  return Array.from({ length: 10 }, (_, step) => ({
    from: step / 10,
    to: (step + 1) / 10,
    events: steps.filter((one) => one === step).length,
  }))
}

/** No bound of a confidence is documented: what lies outside counts in the first or the last step. */
function stepOf(confidence: number): number {
  return Math.min(Math.max(Math.floor(confidence * 10 + 1e-9), 0), 9)
}
