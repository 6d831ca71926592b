import { Command } from '@commander-js/extra-typings'
import { print, printJson } from '../platform/terminal/print.ts'
import { describePlan, describeFullRefresh } from './describe-plan.ts'
import { openApp } from './open-app.ts'

export function planCommand() {
  return new Command('plan')
    .description('what a pass would cost now: requests, minutes at the quota, and when the backlog clears')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Sends no request and writes nothing. By class, in the order in which a run requests them:
  refresh_request  a refresh was requested: by requeue, request_refresh, or because a same-file identifier changed
  new              never requested yet
  unfinished       not finished at the last response
  refresh          finished, and requested again because finished results can still change
All share requests, so the total is less than the sum. Minutes are those of the quota; several processes share it.`,
    )
    .action(async (options) => {
      const { readPlan } = await import('../pipeline/plan/read-plan.ts')
      await using app = await openApp()
      const plan = await readPlan(app)
      if (options.json) printJson(plan)
      else print([...describePlan(plan), '', describeFullRefresh(plan)].join('\n'))
    })
}
