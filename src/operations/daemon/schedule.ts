import { createTask, type ScheduledTask, schedule } from 'node-cron'
import type { Logger } from '../../platform/logger.ts'
import type { ScheduleConfig } from '../../platform/config/daemon-config.ts'
import { createLane } from './lane.ts'
import { createOwedNight } from './owed-night.ts'
import { watchSlots } from './slot-watch.ts'

export interface Schedule {
  /** Starts nothing more, and resolves when what is under way has ended. */
  stop(): Promise<void>
}

export interface ScheduleOptions {
  readonly config: ScheduleConfig
  readonly logger: Logger
  /** By when nightly passes are done with; what was due since is owed, until a pass of whatever process has seen to it. */
  readonly readLastNight: () => Promise<Date>
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
  const nightly = createLane(options.runNightly)
  const fresh = createLane(options.runFresh)
  const watchNights = (since: Date) =>
    watchSlots({ expression: config.schedule, timeZone: config.timeZone, since })
  const nights = watchNights(new Date())
  const isOwed = createOwedNight(watchNights)
  const freshTimes = createTask(config.freshSchedule, () => {}, { timezone: config.timeZone })
  const makeUp = async () => {
    try {
      if (isOwed(await options.readLastNight(), new Date()) && !isStopping) nightly.start()
    } catch (err) {
      // Fresh passes say so, too, and louder; the next minute may know more.
      logger.debug({ err }, 'nobody knows whether a nightly pass is owed')
    }
  }
  const look = () => {
    if (!nights.hasCome(new Date())) {
      if (!nightly.isBusy) looking = makeUp()
    } else if (!nightly.start()) {
      logger.warn('a nightly pass is due while the last one still runs: it goes on')
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
