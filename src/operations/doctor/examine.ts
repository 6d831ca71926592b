import type { App } from '../../app.ts'
import { readClock } from '../../platform/postgres/clock.ts'
import { checkClocks } from './check-clocks.ts'
import { checkDatabase } from './check-database.ts'
import { checkKey } from './check-key.ts'
import { checkMigrations, checkPrivileges, checkSequences } from './check-schema.ts'
import { checkUrlBudget } from './check-url-budget.ts'
import { type Finding, skipped } from './finding.ts'
import { probeApi } from './probe-api.ts'

/**
 * Looks at everything that a pass needs, from the database to the API's answers, and tells of each as it is found. It
 * writes nothing but the slot of the quota that each of its requests takes, so that no pass under way is over it.
 *
 * @param options.known With it, the API is asked how it behaves, too.
 */
export async function examine(
  app: App,
  options: { readonly known: string | undefined; readonly onFinding: (finding: Finding) => void },
): Promise<Finding[]> {
  const { db, api, config, endpoint, quota } = app
  const findings: Finding[] = []
  /** Looks, if that is possible at all, and says whether nothing failed. */
  const step = async (check: string, isPossible: boolean, look: () => Promise<Finding | Finding[]>) => {
    const found = isPossible ? [await look()].flat() : [skipped(check, 'What is wrong above comes first.')]
    findings.push(...found)
    found.forEach(options.onFinding)
    return isPossible && found.every(({ status }) => status !== 'failed')
  }
  const isThere = await step('database', true, () => checkDatabase(db))
  const isAllowed = await step('privileges', isThere, () => checkPrivileges(db))
  const mayWork = await step('migrations', isAllowed, () => checkMigrations(db))
  await step('sequences', mayWork, () => checkSequences(db))
  await step('requests', true, () => checkUrlBudget(mayWork ? db : null, config, endpoint))

  const pace = async () => {
    if (mayWork) await quota.takeSlot({ urgent: true, signal: new AbortController().signal })
  }
  await pace()
  const { finding, httpDate } = await checkKey(api)
  const isAccepted = await step('api', true, async () => finding)
  await step('clocks', isThere, async () => {
    const machine = new Date()
    return checkClocks({ machine, database: new Date(await readClock(db)), api: httpDate })
  })
  const { known } = options
  if (known !== undefined) await step('probe', isAccepted, () => probeApi({ api, endpoint, known, pace }))
  return findings
}
