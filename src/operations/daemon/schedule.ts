import { createTask, type ScheduledTask, schedule } from 'node-cron'
import type { ScheduleConfig } from '../../platform/config/daemon-config.ts'
import type { Logger } from '../../platform/logger.ts'
import type { RunTrigger } from '../../platform/postgres/tables/runs.ts'
import type { LastNightly } from './last-runs.ts'
import { type CronTime, type CronWatch, createCronWatch } from './cron.ts'

/** The triggers of the runs that a daemon starts. */
export const SCHEDULED_TRIGGERS = ['nightly', 'fresh'] as const satisfies readonly RunTrigger[]

export type ScheduledTrigger = (typeof SCHEDULED_TRIGGERS)[number]

export type Schedule = ReturnType<typeof startSchedule>

interface ScheduleOptions {
  readonly config: ScheduleConfig
  readonly logger: Logger
  /** Reads the start of the latest nightly run, of any process, that need not be repeated. */
  readonly readLastNightly: () => Promise<LastNightly>
  /** Executes one run. Must not reject. */
  readonly run: (trigger: ScheduledTrigger) => Promise<void>
}

/**
 * Starts runs at their scheduled times. A nightly and a fresh run can overlap; two of the same kind never do. A nightly
 * run is missed when no daemon ran, the machine slept, its process died or the database was away. A missed nightly run
 * starts within a minute of its detection; several missed ones are made up for by one run.
 */
export function startSchedule({ config, logger, readLastNightly, run }: ScheduleOptions) {
  const nightly = createSingleFlight(() => run('nightly'))
  const fresh = createSingleFlight(() => run('fresh'))
  const nightlyTime = { expression: config.schedule, timeZone: config.timezone }
  const nightlyTimes = createCronWatch({ ...nightlyTime, since: new Date() })
  const freshTimes = createTask(config.freshSchedule, () => {}, { timezone: config.timezone })
  const isMissed = createMissedRunCheck(nightlyTime)
  let isStopping = false
  const startMissedRun = async () => {
    try {
      if (isMissed(await readLastNightly(), new Date()) && !isStopping) nightly.start()
    } catch (err) {
      // Not an error: fresh runs fail for the same reason and report it. The next minute checks again.
      logger.debug({ err }, 'missed nightly run check failed')
    }
  }
  let checking = startMissedRun()
  const startDueNightlyRun = () => {
    if (!nightlyTimes.checkDue(new Date())) {
      if (!nightly.isBusy) checking = startMissedRun()
    } else if (!nightly.start()) {
      logger.warn('nightly run skipped, the previous one is still running')
    }
  }
  const ticks = [
    tick(EVERY_MINUTE, logger, startDueNightlyRun),
    tick(freshTick(config), logger, (time) => {
      if (freshTimes.match(time)) fresh.start()
    }),
  ]
  return {
    /** Starts no further run, and resolves when the current runs have ended. */
    stop: async () => {
      isStopping = true
      for (const task of ticks) await task.destroy()
      await checking
      await nightly.idle()
      await fresh.idle()
    },
  }
}

/**
 * Creates a check for a missed nightly run: whether a nightly time has come since the last nightly run. The check runs
 * every minute for weeks, so it examines each minute only once while the last nightly run stays the same. The clock of this
 * machine decides.
 */
export function createMissedRunCheck(
  nightlyTime: CronTime,
): (lastNightly: LastNightly, now: Date) => boolean {
  let since: number | undefined
  let watch: CronWatch | undefined
  let isMissed = false
  return ({ startedAt, secondsAgo }, now) => {
    if (!watch || startedAt.getTime() !== since) {
      since = startedAt.getTime()
      watch = createCronWatch({ ...nightlyTime, since: new Date(now.getTime() - secondsAgo * 1000) })
      isMissed = false
    }
    isMissed ||= watch.checkDue(now)
    return isMissed
  }
}

/** A guard that keeps two runs of the same kind from overlapping in this process. */
function createSingleFlight(work: () => Promise<void>) {
  let current: Promise<void> | undefined
  return {
    /** Starts a run and returns true; returns false when a run is still going on. */
    start: () => {
      if (current) return false
      current = work().finally(() => {
        current = undefined
      })
      return true
    },
    get isBusy() {
      return current !== undefined
    },
    /** Resolves when no run is going on. */
    idle: async () => current,
  }
}

const EVERY_MINUTE = '* * * * *'
const EVERY_SECOND = '* * * * * *'

function freshTick({ freshSchedule }: ScheduleConfig): string {
  return freshSchedule.trim().split(/\s+/).length === 6 ? EVERY_SECOND : EVERY_MINUTE
}

/** Calls `work` at each time of the expression in UTC, because node-cron skips the repeated hour of other zones. */
function tick(expression: string, logger: Logger, work: (time: Date) => void): ScheduledTask {
  const debug = (message: string) => logger.debug({ message }, 'scheduler message')
  const warn = (message: string | Error) => logger.warn({ message: String(message) }, 'scheduler warning')
  return schedule(expression, ({ date }) => work(date), {
    timezone: 'UTC',
    // A busy event loop delays a tick by seconds, and must not drop it.
    missedExecutionTolerance: 30_000,
    suppressMissedWarning: true,
    logger: { info: debug, debug: (message) => debug(String(message)), warn, error: warn },
  })
}
