import { createTask, type ScheduledTask, schedule } from 'node-cron'
import type { Logger } from '../logger.ts'
import type { ScheduleConfig } from './daemon-config.ts'
import { createLane } from './lane.ts'
import { watchSlots } from './slot-watch.ts'

export interface Schedule {
  /** Starts nothing more, and resolves when what is under way has ended. */
  stop(): Promise<void>
}

export interface ScheduleOptions {
  readonly config: ScheduleConfig
  readonly logger: Logger
  /** By when the last nightly pass is known to have run; what was due since is caught up now. */
  readonly nightlySince: Date
  readonly runNightly: () => Promise<void>
  readonly runFresh: () => Promise<void>
}

/**
 * Runs passes by the clock: a nightly and a fresh one may run side by side, two of a kind never do. A nightly pass that
 * was missed, because nobody ran or the machine slept, is made up for at once; however many were missed, once.
 */
export function startSchedule(options: ScheduleOptions): Schedule {
  const { config, logger } = options
  const nightly = createLane(options.runNightly)
  const fresh = createLane(options.runFresh)
  const nights = watchSlots({
    expression: config.schedule,
    timeZone: config.timeZone,
    since: options.nightlySince,
  })
  const freshTimes = createTask(config.freshSchedule, () => {}, { timezone: config.timeZone })
  const look = () => {
    if (nights.hasCome(new Date()) && !nightly.start()) {
      logger.warn('a nightly pass is due while the last one still runs: it goes on')
    }
  }
  look()
  const ticks = [
    tick(EVERY_MINUTE, logger, look),
    tick(freshTick(config), logger, (time) => {
      if (freshTimes.match(time)) fresh.start()
    }),
  ]
  return {
    stop: async () => {
      for (const task of ticks) await task.destroy()
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
