import type { Kysely } from 'kysely'
import { endpointOf } from '../../media/registry.ts'
import type { SyncConfig } from '../../platform/config/config.ts'
import { readClock } from '../../platform/postgres/clock.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { slotSpacingSeconds } from '../api/quota.ts'
import { targetBytes, targetPathBytes } from '../api/request.ts'
import { type Counted, countDue, countFinished, DUE_CLASSES } from './count-due.ts'
import { type Cost, requestCost } from './request-cost.ts'

export type Plan = Awaited<ReturnType<typeof readPlan>>

interface PlanLine extends Cost {
  readonly identifiers: number
}

export interface PlanOptions {
  /** Counts every finished identifier as due. */
  readonly includeFinished?: boolean
  readonly limit?: number | undefined
}

/**
 * Counts the identifiers that a run would request now, and the cost of their requests at the quota. Sends no request and
 * writes nothing. The keys are those of the JSON output.
 */
export async function readPlan(
  { db, config }: { readonly db: Kysely<Database>; readonly config: SyncConfig },
  { includeFinished = false, limit }: PlanOptions = {},
) {
  const due = await countDue(db, { includeFinished, limit })
  const all = costOf(due, config)
  const refresh = costOf(await countFinished(db), config)
  const now = new Date(await readClock(db))
  return {
    ...all,
    by_class: DUE_CLASSES.map((name) => ({
      class: name,
      ...costOf(
        due.filter((counted) => counted.class === name),
        config,
      ),
    })),
    /** When the identifiers that are due now would be done; identifiers that come due meanwhile are not counted. */
    clears_at: new Date(now.getTime() + all.minutes * 60_000),
    full_refresh: {
      ...refresh,
      /** Hours after which a finished identifier is due again. */
      refresh_hours: config.refreshHours,
      /** A refresh of all finished identifiers ends before they are due again. */
      fits: refresh.minutes <= config.refreshHours * 60,
    },
  }
}

/** Adds up the cost by medium, because a request is of one medium; the classes of a medium share requests. */
function costOf(counts: readonly Counted[], config: SyncConfig): PlanLine {
  const spacingSeconds = slotSpacingSeconds(config.requestsPerSecond, config.requestsPerMinute)
  const bytesAround = targetBytes('')
  const lines = [...Map.groupBy(counts, ({ media }) => media)].map(([media, members]) => {
    const sum = (of: (counted: Counted) => number) => members.reduce((total, member) => total + of(member), 0)
    const identifiers = sum((counted) => counted.identifiers)
    const size = {
      identifiers,
      bytes: sum((counted) => counted.nameBytes) + identifiers * bytesAround,
      limited: sum((counted) => counted.limited),
      limitedRequests: sum((counted) => counted.limitedRequests),
    }
    const pathBytes = targetPathBytes(config.apiUrl, endpointOf(media).path)
    const { batchSize, maxUrlBytes } = config
    return { identifiers, ...requestCost(size, { batchSize, maxUrlBytes, pathBytes, spacingSeconds }) }
  })
  return lines.reduce(
    (total, line) => ({
      identifiers: total.identifiers + line.identifiers,
      requests: total.requests + line.requests,
      minutes: total.minutes + line.minutes,
    }),
    { identifiers: 0, requests: 0, minutes: 0 },
  )
}
