import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import type { DaemonConfig } from '../../platform/config/daemon-config.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { asDatabaseError } from '../../platform/postgres/database-error.ts'
import type { Logger } from '../../platform/logger.ts'
import { jitteredDelayMs, RETRY_POLICY } from '../../platform/retry.ts'
import { advance, initializePosition, recordFailure, releasePosition, takePosition } from './position.ts'
import { DeliveryError, post } from './post.ts'
import { readNotifications } from './read-notifications.ts'

/** A sealed run is noticed within this time. */
const POLL_MS = 5000

interface WebhookOptions {
  readonly config: DaemonConfig
  readonly logger: Logger
  readonly db: () => Kysely<Database>
}

/**
 * Delivers what the sealed runs observed, one notification at a time and in the order of the chain. Each is repeated until the
 * receiver accepts it, and the position is stored after each. So a notification can come twice, but none is lost. Of several
 * processes, one delivers. Runs do not wait for it.
 */
export function startWebhook({ config, logger, db }: WebhookOptions): AsyncDisposable {
  const stopping = new AbortController()
  const { signal } = stopping
  const owner = randomUUID()
  const work = async () => {
    for (let failures = 0; !signal.aborted; ) {
      try {
        await deliverAll({ config, logger, db: db(), owner, signal })
        failures = 0
        await pause(POLL_MS, signal)
      } catch (error) {
        if (signal.aborted) break
        failures += 1
        const delayMs = delayAfter(error, failures)
        const reason = reasonOf(error)
        if (error instanceof DeliveryError)
          logger.warn({ reason, failures, delayMs }, 'webhook delivery failed')
        else logger.warn({ err: asDatabaseError(error) ?? error, failures, delayMs }, 'webhook query failed')
        await recordFailure(db(), owner, reason).catch(() => {})
        await pause(delayMs, signal)
      }
    }
    await releasePosition(db(), owner).catch(() => {})
  }
  const worked = work()
  return {
    [Symbol.asyncDispose]: async () => {
      stopping.abort()
      await worked
    },
  }
}

interface Delivery extends Omit<WebhookOptions, 'db'> {
  readonly db: Kysely<Database>
  readonly owner: string
  readonly signal: AbortSignal
}

/** Delivers until nothing follows, or another process has the lease. */
async function deliverAll({ config, logger, db, owner, signal }: Delivery): Promise<void> {
  await initializePosition(db)
  const start = await takePosition(db, owner)
  if (start === null) return
  let delivered = 0
  for await (const step of readNotifications(db, start)) {
    if (signal.aborted) return
    if (step.notification !== null) {
      await post(step, config, signal)
      delivered += 1
    }
    if (!(await advance(db, owner, step.position))) return
  }
  if (delivered > 0) logger.info({ delivered }, 'webhook delivered')
}

/** Why a notification was not accepted, or not even sent. */
function reasonOf(error: unknown): string {
  const { message } = error as Error
  return error instanceof DeliveryError ? message : `the next notification could not be read: ${message}`
}

/** Full jitter, or the pause that the receiver requires. */
function delayAfter(error: unknown, failures: number): number {
  const own = Math.round(jitteredDelayMs(failures, RETRY_POLICY.webhook))
  return Math.max(own, error instanceof DeliveryError ? (error.pauseMs ?? 0) : 0)
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => {})
}
