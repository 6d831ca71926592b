import type { Plan } from '../pipeline/plan/read-plan.ts'
import { durationText } from '../platform/terminal/duration-text.ts'
import { counted } from '../platform/terminal/print.ts'
import { textTable, timeText } from '../platform/terminal/text-table.ts'

/** What a pass would ask for, as lines that a person reads. */
export function describePlan(plan: Plan): string[] {
  if (plan.identifiers === 0) return ['Nothing is due: a pass that started now would ask nothing.']
  const lines = [...plan.by_class, { ...plan, class: 'together' }]
  return [
    'A pass that started now would ask for:',
    '',
    textTable(
      lines
        .filter(({ identifiers }) => identifiers > 0)
        .map(({ class: what, identifiers, requests, minutes }) => ({
          what,
          identifiers,
          requests,
          minutes: Math.ceil(minutes * 10) / 10,
        })),
    ),
    '',
    `All of that is asked by ${timeText(plan.clears_at)}, after ${durationText(plan.minutes)} at the quota.`,
  ]
}

/** Whether all that is finished can be confirmed before it is due again. */
export function describeFullRefresh({ full_refresh: sweep }: Plan): string {
  const cost = `A sweep of all ${counted(sweep.identifiers, 'finished identifier')} takes ${counted(sweep.requests, 'request')}, ${durationText(sweep.minutes)} at the quota`
  if (sweep.fits) return `${cost}.`
  return (
    `${cost}: longer than the ${sweep.refresh_hours} hours after which they are due again. ` +
    'The one confirmed longest ago goes first, so all are confirmed equally often, but not every night.'
  )
}
