import { createTask, type ScheduledTask, schedule } from 'node-cron'
import type { Logger } from '../../platform/logger.ts'
import type { ScheduleConfig } from '../../platform/config/daemon-config.ts'
import { createSingleFlight } from './single-flight.ts'
import { createMissedRunCheck } from './missed-run.ts'
import { watchSlots } from './slot-watch.ts'

export interface Schedule {
  /** Starts nothing more, and resolves when what is under way has ended. */
  stop(): Promise<void>
}

export interface ScheduleOptions {
  readonly config: ScheduleConfig
  readonly logger: Logger
  /** By when nightly passes are done with; what was due since is owed, until a pass of whatever process has seen to it. */
  readonly readLastNightly: () => Promise<Date>
  readonly runNightly: () => Promise<void>
  readonly runFresh: () => Promise<void>
}

/**
 * Runs passes by the clock: a nightly and a fresh one may run side by side, two of a kind never do. A nightly pass that
 * is owed, because nobody ran, the machine slept, its process died or the database was away, is made up for within a
 * minute of when that is known; however many are owed, once.
 */
export function startSchedule(options: ScheduleOptions): Schedule {
  const { config, logger } = options
  const nightly = createSingleFlight(options.runNightly)
  const fresh = createSingleFlight(options.runFresh)
  const watchNightly = (since: Date) =>
    watchSlots({ expression: config.schedule, timeZone: config.timeZone, since })
  const nightlyTimes = watchNightly(new Date())
  const isMissed = createMissedRunCheck(watchNightly)
  const freshTimes = createTask(config.freshSchedule, () => {}, { timezone: config.timeZone })
  const makeUp = async () => {
    try {
      if (isMissed(await options.readLastNightly(), new Date()) && !isStopping) nightly.start()
    } catch (err) {
      // Fresh passes say so, too, and louder; the next minute may know more.
      logger.debug({ err }, 'missed nightly run check failed')
    }
  }
  const look = () => {
    if (!nightlyTimes.hasCome(new Date())) {
      if (!nightly.isBusy) looking = makeUp()
    } else if (!nightly.start()) {
      logger.warn('nightly run skipped, the previous one is still running')
    }
  }
  let isStopping = false
  let looking = makeUp()
  const ticks = [
    tick(EVERY_MINUTE, logger, look),
    tick(freshTick(config), logger, (time) => {
      if (freshTimes.match(time)) fresh.start()
    }),
  ]
  return {
    stop: async () => {
      isStopping = true
      for (const task of ticks) await task.destroy()
      await looking
      await nightly.idle()
      await fresh.idle()
    },
  }
}

const EVERY_MINUTE = '* * * * *'
const EVERY_SECOND = '* * * * * *'

function freshTick({ freshSchedule }: ScheduleConfig): string {
  return freshSchedule.trim().split(/\s+/).length === 6 ? EVERY_SECOND : EVERY_MINUTE
}

/** Ticks are of UTC: in a time zone, cron leaves out the hour that comes twice. */
function tick(expression: string, logger: Logger, work: (time: Date) => void): ScheduledTask {
  const say = (level: 'debug' | 'warn') => (message: string | Error) => logger[level](String(message))
  return schedule(expression, ({ date }) => work(date), {
    timezone: 'UTC',
    // A busy moment is no reason to leave one out.
    missedExecutionTolerance: 30_000,
    suppressMissedWarning: true,
    logger: { info: say('debug'), debug: say('debug'), warn: say('warn'), error: say('warn') },
  })
}
