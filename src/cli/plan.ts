import { Command } from '@commander-js/extra-typings'
import type { Plan } from '../pipeline/plan/read-plan.ts'
import { counted, durationText, textTable, timeText } from '../platform/terminal/text.ts'
import { openApp } from './open-app.ts'
import { printResult } from './print-result.ts'

export function planCommand() {
  return new Command('plan')
    .description('the cost of a run now: requests, minutes at the quota, and when the queue clears')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Sends no request and writes nothing. By class, in the order in which a run requests them:
  refresh_request  a refresh was requested: by requeue, request_refresh, or because a same-file identifier changed
  new              never requested yet
  unfinished       not finished at the last response
  refresh          finished, and requested again because finished results can still change
Classes share requests, so the total is less than the sum. Minutes are those of the quota; several processes share it.`,
    )
    .action(async (options) => {
      const { readPlan } = await import('../pipeline/plan/read-plan.ts')
      await using app = await openApp()
      const plan = await readPlan(app)
      printResult(options, plan, [...describePlan(plan), '', describeFullRefresh(plan)].join('\n'))
    })
}

/** The requests of a run that started now, as lines for people. */
export function describePlan(plan: Plan): string[] {
  if (plan.identifiers === 0) return ['Nothing is due: a run that started now would request nothing.']
  const lines = [...plan.by_class, { ...plan, class: 'together' }].flatMap(
    ({ class: what, identifiers, requests, minutes }) =>
      identifiers > 0 ? [{ what, identifiers, requests, minutes: Math.ceil(minutes * 10) / 10 }] : [],
  )
  return [
    'A run that started now would request:',
    '',
    textTable(lines),
    '',
    `The last request leaves at ${timeText(plan.clears_at)}, after ${durationText(plan.minutes)} at the quota.`,
  ]
}

/** The cost of a refresh of all finished identifiers, and whether it ends before they are due again. */
function describeFullRefresh({ full_refresh: refresh }: Plan): string {
  const cost = `A refresh of all ${counted(refresh.identifiers, 'finished identifier')} takes ${counted(refresh.requests, 'request')}, ${durationText(refresh.minutes)} at the quota`
  if (refresh.fits) return `${cost}.`
  return (
    `${cost}: longer than the ${refresh.refresh_hours} hours after which they are due again. ` +
    'The identifier confirmed longest ago comes first, so all are confirmed equally often, but not every night.'
  )
}
