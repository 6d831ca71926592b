import type { Kysely } from 'kysely'
import type { SyncConfig } from '../../platform/config/config.ts'
import { readClock } from '../../platform/postgres/clock.ts'
import type { Database } from '../../platform/postgres/database.ts'
import type { Endpoint } from '../../media/endpoint.ts'
import { slotSpacingSeconds } from '../api/quota.ts'
import { targetBytes, targetPathBytes } from '../api/request-target.ts'
import { type Counted, countDue, countFinished, DUE_CLASSES, type DueClass } from './count-due.ts'
import { type Cost, requestCost } from './request-cost.ts'

/** What a pass that started now would cost. The keys are those of the JSON output. */
export interface Plan extends PlanLine {
  readonly by_class: readonly (PlanLine & { readonly class: DueClass })[]
  /** When nothing of what is due now would be left; what comes due meanwhile is not counted. */
  readonly clears_at: Date
  readonly full_refresh: PlanLine & {
    /** Hours after which a finished identifier is due again (SYNC_REFRESH_HOURS). */
    readonly refresh_hours: number
    /** Whether a sweep of all that is finished ends before they are due again. */
    readonly fits: boolean
  }
}

interface PlanLine extends Cost {
  readonly identifiers: number
}

export interface PlanOptions {
  /** As if every finished identifier were due. */
  readonly includeFinished?: boolean
  readonly limit?: number | undefined
}

/** Counts what is due and what asking for it takes at the quota. Asks the API nothing and writes nothing. */
export async function readPlan(
  {
    db,
    config,
    endpoint,
  }: { readonly db: Kysely<Database>; readonly config: SyncConfig; readonly endpoint: Endpoint },
  { includeFinished = false, limit }: PlanOptions = {},
): Promise<Plan> {
  const cost = costUnder(config, endpoint)
  const due = await countDue(db, { media: endpoint.media, includeFinished, limit })
  const all = cost(sum([...due.values()]))
  const sweep = cost(await countFinished(db, endpoint.media))
  const now = new Date(await readClock(db))
  return {
    ...all,
    by_class: DUE_CLASSES.map((name) => ({ class: name, ...cost(due.get(name) ?? NONE) })),
    clears_at: new Date(now.getTime() + all.minutes * 60_000),
    full_refresh: {
      ...sweep,
      refresh_hours: config.refreshHours,
      fits: sweep.minutes <= config.refreshHours * 60,
    },
  }
}

const NONE: Counted = { identifiers: 0, nameBytes: 0, limited: 0, limitedRequests: 0 }

function sum(counts: readonly Counted[]): Counted {
  return counts.reduce(
    (total, counted) => ({
      identifiers: total.identifiers + counted.identifiers,
      nameBytes: total.nameBytes + counted.nameBytes,
      limited: total.limited + counted.limited,
      limitedRequests: total.limitedRequests + counted.limitedRequests,
    }),
    NONE,
  )
}

function costUnder(config: SyncConfig, endpoint: Endpoint): (counted: Counted) => PlanLine {
  const rules = {
    batchSize: config.batchSize,
    maxUrlBytes: config.maxUrlBytes,
    pathBytes: targetPathBytes(config.apiUrl, endpoint.path),
    spacingSeconds: slotSpacingSeconds(config.requestsPerSecond, config.requestsPerMinute),
  }
  const bytesAround = targetBytes('')
  return (counted) => ({
    identifiers: counted.identifiers,
    ...requestCost({ ...counted, bytes: counted.nameBytes + counted.identifiers * bytesAround }, rules),
  })
}
