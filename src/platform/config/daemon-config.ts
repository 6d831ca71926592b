import { validateDetailed } from 'node-cron'
import { z } from 'zod'
import { ConfigurationError } from '../errors.ts'
import { timeZoneOf } from '../time.ts'
import { type Config, type Parsers, parseVariables } from './config.ts'
import type { Environment } from './environment.ts'
import { VARIABLES, type VariableName } from './variables.ts'

/** The settings that decide when runs and verifications start. */
export type ScheduleConfig = Config<(typeof SCHEDULES)[number]>

const SCHEDULES = ['SYNC_SCHEDULE', 'SYNC_FRESH_SCHEDULE', 'SYNC_VERIFY_SCHEDULE', 'SYNC_TIMEZONE'] as const

/** The settings of the daemon: all there are. */
export type DaemonConfig = Config<VariableName>

/** @throws ConfigurationError that names every wrong variable, never its value. */
export function parseScheduleConfig(environment: Environment): ScheduleConfig {
  return parseVariables(SCHEDULES, environment, PARSERS)
}

/** @throws ConfigurationError that names every wrong variable, never its value. */
export function parseDaemonConfig(environment: Environment): DaemonConfig {
  const config = parseVariables(Object.keys(VARIABLES) as VariableName[], environment, PARSERS)
  if (config.payloadRetentionDays !== null && config.maintenanceDatabaseUrl === null) {
    throw new ConfigurationError([
      'PAYLOAD_RETENTION_DAYS needs MAINTENANCE_DATABASE_URL, because the role of the job cannot delete payloads. Set both, or neither',
    ])
  }
  if ((config.forceWebhookUrl === null) !== (config.forceWebhookSecret === null)) {
    throw new ConfigurationError([
      'FORCE_WEBHOOK_URL and FORCE_WEBHOOK_SECRET need each other, because the receiver has to check the signature. Set both, or neither',
    ])
  }
  return config
}

const PARSERS: Parsers = {
  cron: ({ fields, optional }) =>
    z.string().superRefine((text, context) => {
      if (optional && text === 'off') return
      const count = text.trim().split(/\s+/).length
      const problem = fields.includes(count)
        ? wrongField(text)
        : `it needs ${fields.join(' or ')} fields, not ${count}`
      if (problem === undefined) return
      const or = optional ? ', or off' : ''
      const error = `must be a cron expression, such as 0 2 * * *${or} (${problem})`
      context.addIssue({ code: 'custom', message: error })
    }),
  timeZone: () =>
    z.string().refine((name) => timeZoneOf(name) !== undefined, {
      error: 'must be the IANA name of a time zone, such as Europe/Rome',
    }),
}

function wrongField(expression: string): string | undefined {
  const wrong = validateDetailed(expression).errors[0]
  if (wrong === undefined) return undefined
  return `${wrong.value} cannot be the ${wrong.field.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)}`
}
