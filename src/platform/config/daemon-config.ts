import { validateDetailed } from 'node-cron'
import { z } from 'zod'
import {
  type Environment,
  integer,
  parseVariables,
  type SyncConfig,
  syncVariables,
  toSyncConfig,
} from './config.ts'

/** When passes run. */
export interface ScheduleConfig {
  /** Nightly passes: five cron fields, in the time zone. */
  readonly schedule: string
  /** Fresh passes, for what was inserted since; with a sixth field in front, the second. */
  readonly freshSchedule: string
  /** IANA name of the time zone. */
  readonly timeZone: string
}

/** What the daemon needs; README.md has the table of variables and defaults. */
export interface DaemonConfig extends SyncConfig, ScheduleConfig {
  readonly httpHost: string
  /** 0 takes a free one. */
  readonly httpPort: number
  /** Not ready when the last successful pass is older than this; what is due for longer is overdue. */
  readonly readyMaxAgeHours: number
}

/** @throws ConfigurationError naming every variable that is wrong, never its value. */
export function parseDaemonConfig(environment: Environment): DaemonConfig {
  const values = parseVariables(daemonVariables, environment)
  return Object.freeze({
    ...toSyncConfig(values),
    ...toScheduleConfig(values),
    httpHost: values.HTTP_HOST,
    httpPort: values.HTTP_PORT,
    readyMaxAgeHours: values.HTTP_READY_MAX_AGE_HOURS,
  })
}

/** Only when passes run; nothing else need be configured. */
export function parseScheduleConfig(environment: Environment): ScheduleConfig {
  return toScheduleConfig(parseVariables(scheduleVariables, environment))
}

const scheduleVariables = z.object({
  SYNC_SCHEDULE: cronExpression([5]).default('0 2 * * *'),
  SYNC_FRESH_SCHEDULE: cronExpression([5, 6]).default('* * * * *'),
  SYNC_TIMEZONE: z
    .string()
    .refine(isTimeZone, { error: 'must be the IANA name of a time zone, such as Europe/Rome' })
    .default('UTC'),
})

export const daemonVariables = syncVariables.extend({
  ...scheduleVariables.shape,
  HTTP_HOST: z.string().default('127.0.0.1'),
  HTTP_PORT: integer(0, 65_535).default(9464),
  HTTP_READY_MAX_AGE_HOURS: integer(1, 8760).default(26),
})

function toScheduleConfig(values: z.output<typeof scheduleVariables>): ScheduleConfig {
  return {
    schedule: values.SYNC_SCHEDULE,
    freshSchedule: values.SYNC_FRESH_SCHEDULE,
    timeZone: values.SYNC_TIMEZONE,
  }
}

/** @param fields How many it may have: five are minute, hour, day, month and weekday; of six the first is the second. */
function cronExpression(fields: readonly number[]) {
  return z.string().superRefine((text, context) => {
    const count = text.trim().split(/\s+/).length
    const problem = fields.includes(count)
      ? wrongField(text)
      : `it needs ${fields.join(' or ')} fields, not ${count}`
    if (problem === undefined) return
    context.addIssue({ code: 'custom', message: `must be a cron expression, such as 0 2 * * * (${problem})` })
  })
}

function wrongField(expression: string): string | undefined {
  const wrong = validateDetailed(expression).errors[0]
  if (wrong === undefined) return undefined
  return `${wrong.value} cannot be the ${wrong.field.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)}`
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}
