import { retryDatabase } from '../db/retry-database.ts'
import type { PassTools } from '../sync/pass.ts'
import { loadQuarantined } from './load-quarantined.ts'
import { quarantinedPages } from './quarantined.ts'
import { nextIds } from './read-contents.ts'
import { replayPage, rewritePage } from './rewrite-page.ts'
import { type Survey, SurveyCount } from './survey.ts'

/** Classifications that are looked at, and locked, at once. */
const PAGE = 200

export type ReplayTools = Pick<PassTools, 'config' | 'db' | 'pool' | 'logger' | 'endpoint'>

export interface ReplayOptions {
  /** Only what was first received at this time or later, ISO 8601; everything when null. */
  readonly since: string | null
  readonly signal: AbortSignal
}

/** What a replay wrote. The keys are those of the JSON output. */
export interface Applied {
  /** Classifications whose rows were replaced. */
  readonly rewritten: number
  /** Records that were quarantined and are loaded now. */
  readonly loaded: number
  /** The run (`sync_runs`) that loaded them; null when there was nothing to load. */
  readonly run_id: string | null
}

/** What today's contract and normalizer would change in what is stored. Asks the API nothing and writes nothing. */
export async function surveyReplay(tools: ReplayTools, options: ReplayOptions): Promise<Survey> {
  const { db, endpoint } = tools
  const count = new SurveyCount()
  for await (const ids of pagesOfIds(tools, options)) count.add(await replayPage(db, ids, endpoint))
  for await (const page of quarantinedPages(db, { ...options, media: endpoint.media })) {
    for (const { record } of page) count.addQuarantined(endpoint.validate(record).accepted)
  }
  return count.survey
}

/**
 * Writes what today's contract and normalizer make of the kept records: rows that differ are replaced in place, without
 * a revision, for nothing new was seen; quarantined records that fit by now are loaded, with one.
 */
export async function applyReplay(tools: ReplayTools, options: ReplayOptions): Promise<Applied> {
  const { pool, endpoint, logger } = tools
  let rewritten = 0
  for await (const ids of pagesOfIds(tools, options)) {
    const replayed = await retryDatabase(() => rewritePage(pool, ids, endpoint), logger)
    rewritten += replayed.filter(({ kind }) => kind === 'changed').length
  }
  const run = await loadQuarantined(tools, options)
  return { rewritten, loaded: run?.changed ?? 0, run_id: run?.run_id ?? null }
}

async function* pagesOfIds({ db, endpoint }: ReplayTools, { since, signal }: ReplayOptions) {
  for (let after = 0; !signal.aborted; ) {
    const ids = await nextIds(db, { media: endpoint.media, after, since, limit: PAGE })
    if (ids.length === 0) return
    yield ids
    after = ids.at(-1) ?? after
  }
}
