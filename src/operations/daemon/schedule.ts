import { createTask, type ScheduledTask, schedule } from 'node-cron'
import type { ScheduleConfig } from '../../platform/config/daemon-config.ts'
import type { Logger } from '../../platform/logger.ts'
import type { RunTrigger } from '../../platform/postgres/tables/runs.ts'
import type { LastStart } from './last-runs.ts'
import { type CronTime, type CronWatch, createCronWatch } from './cron.ts'

/** The triggers of the runs that a daemon starts. */
export const SCHEDULED_TRIGGERS = ['nightly', 'fresh'] as const satisfies readonly RunTrigger[]

export type ScheduledTrigger = (typeof SCHEDULED_TRIGGERS)[number]

export type Schedule = ReturnType<typeof startSchedule>

interface ScheduleOptions {
  readonly config: ScheduleConfig
  readonly logger: Logger
  /** Reads the start of the latest nightly run, of any process, that need not be repeated. */
  readonly readLastNightly: () => Promise<LastStart>
  /** Reads the start of the latest verification, of any process. */
  readonly readLastVerification: () => Promise<LastStart>
  /** Executes one run. Must not reject. */
  readonly run: (trigger: ScheduledTrigger) => Promise<void>
  /** Verifies the database. Must not reject. */
  readonly verify: () => Promise<void>
}

/**
 * Starts runs and verifications at their scheduled times. Those of two kinds can overlap; two of the same kind never do. A
 * nightly run is missed when no daemon ran, the machine slept, its process died or the database was away. A missed nightly
 * run starts within a minute of its detection; several missed ones are made up for by one run. A verification starts in the
 * same way: when its time has come since the last one.
 */
export function startSchedule({ config, logger, run, verify, ...options }: ScheduleOptions) {
  const { readLastNightly, readLastVerification } = options
  const nightly = createSingleFlight(() => run('nightly'))
  const fresh = createSingleFlight(() => run('fresh'))
  const nightlyTime = { expression: config.schedule, timeZone: config.timezone }
  const nightlyTimes = createCronWatch({ ...nightlyTime, since: new Date() })
  const freshTimes = createTask(config.freshSchedule, () => {}, { timezone: config.timezone })
  const verification = createSingleFlight(verify)
  const isMissed = createMissedRunCheck(nightlyTime)
  const isVerificationDue =
    config.verifySchedule === 'off'
      ? () => false
      : createMissedRunCheck({ expression: config.verifySchedule, timeZone: config.timezone })
  let isStopping = false
  const startMissed = async () => {
    try {
      if (!nightly.isBusy && isMissed(await readLastNightly(), new Date()) && !isStopping) nightly.start()
      if (!verification.isBusy && isVerificationDue(await readLastVerification(), new Date()) && !isStopping)
        verification.start()
    } catch (err) {
      // Not an error: fresh runs fail for the same reason and report it. The next minute checks again.
      logger.debug({ err }, 'missed nightly run check failed')
    }
  }
  let checking = startMissed()
  const everyMinute = () => {
    if (nightlyTimes.checkDue(new Date()) && !nightly.start())
      logger.warn('nightly run skipped, the previous one is still running')
    checking = startMissed()
  }
  const ticks = [
    tick(EVERY_MINUTE, logger, everyMinute),
    tick(freshTick(config), logger, (time) => {
      if (freshTimes.match(time)) fresh.start()
    }),
  ]
  return {
    /** Starts nothing further, and resolves when the current runs and verifications have ended. */
    stop: async () => {
      isStopping = true
      for (const task of ticks) await task.destroy()
      await checking
      await nightly.idle()
      await fresh.idle()
      await verification.idle()
    },
  }
}

/**
 * Creates a check for a missed nightly run or verification: whether its time has come since the last start. The check runs
 * every minute for weeks, so it examines each minute only once while the last start stays the same. The clock of this machine
 * decides.
 */
export function createMissedRunCheck(time: CronTime): (last: LastStart, now: Date) => boolean {
  let since: number | undefined
  let watch: CronWatch | undefined
  let isMissed = false
  return ({ startedAt, secondsAgo }, now) => {
    if (!watch || startedAt.getTime() !== since) {
      since = startedAt.getTime()
      watch = createCronWatch({ ...time, since: new Date(now.getTime() - secondsAgo * 1000) })
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
