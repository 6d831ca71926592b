import { Command } from '@commander-js/extra-typings'
import type { Plan } from '../pipeline/plan/read-plan.ts'
import { counted, durationText, textTable } from '../platform/terminal/text.ts'
import { timeText } from '../platform/time.ts'
import { openApp } from './open-app.ts'
import { printResult } from './print-result.ts'

export function planCommand() {
  return new Command('plan')
    .description('print the cost of a run now: requests, minutes at the quota, and when the queue clears')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Sends no request and writes nothing. A run requests the classes in this order:
  refresh_request  after requeue, request_refresh, or a changed override of the same file
  new              never requested yet
  unfinished       not finished at the last request
  refresh          finished, and requested again because finished results can change

Classes share requests, so the total can be less than the sum. The minutes are those at the full quota, which all
processes share.`,
    )
    .action(async (options) => {
      const { readPlan } = await import('../pipeline/plan/read-plan.ts')
      await using app = await openApp()
      const plan = await readPlan(app)
      printResult(
        options,
        plan,
        [...describeProblem(plan), ...describePlan(plan), '', describeFullRefresh(plan)].join('\n'),
      )
    })
}

/** The requests of a run that started now, as lines for people. */
export function describePlan(plan: Plan): string[] {
  if (plan.identifiers === 0) return ['Nothing is due, so a run that starts now requests nothing.']
  const lines = plan.by_class.flatMap(({ class: what, identifiers, requests, minutes }) =>
    identifiers > 0 ? [{ what, identifiers, requests, minutes: Math.ceil(minutes * 10) / 10 }] : [],
  )
  return [
    `A run that starts now takes ${durationText(plan.minutes)} at the quota: ${counted(plan.requests, 'request')} for ${counted(plan.identifiers, 'identifier')}, the last one at ${timeText(plan.clears_at)}.`,
    '',
    textTable(lines),
  ]
}

/** A refresh of all finished identifiers that does not end before they are due again. */
function describeProblem({ full_refresh: refresh }: Plan): string[] {
  if (refresh.fits) return []
  return [
    `warning: a refresh of all finished identifiers takes longer than the ${counted(refresh.refresh_hours, 'hour')} after which they are due again.`,
    'The identifier with the oldest confirmation comes first, so all are confirmed equally often, but not every night.',
    '',
  ]
}

function describeFullRefresh({ full_refresh: refresh }: Plan): string {
  return `A refresh of all ${counted(refresh.identifiers, 'finished identifier')} takes ${counted(refresh.requests, 'request')}, ${durationText(refresh.minutes)} at the quota.`
}
