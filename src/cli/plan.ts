import { Command } from '@commander-js/extra-typings'
import { print, printJson } from '../platform/terminal/print.ts'
import { describePlan, describeSweep } from './describe-plan.ts'
import { openApp } from './open-app.ts'

export function planCommand() {
  return new Command('plan')
    .description('what a pass would cost now: requests, minutes at the quota, and when the backlog clears')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Asks the API nothing and writes nothing. By class, in the order in which a pass asks:
  sibling    woken: another submission of its file changed, or somebody asked for it (requeue, request_refresh)
  first_ask  never answered yet
  poll       not finished when it was answered last
  sweep      settled, and asked again because finished results still change
All share requests, so the total is less than the sum. Minutes are those of the quota; several processes share it.`,
    )
    .action(async (options) => {
      const { readPlan } = await import('../pipeline/plan/read-plan.ts')
      await using app = await openApp()
      const plan = await readPlan(app)
      if (options.json) printJson(plan)
      else print([...describePlan(plan), '', describeSweep(plan)].join('\n'))
    })
}
