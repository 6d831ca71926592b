import { retryDatabase } from '../../platform/postgres/retry-database.ts'
import type { SyncRunRow } from '../../platform/postgres/tables/sync-runs.ts'
import { fits, loadQuarantined } from './load-quarantined.ts'
import { quarantinedPages } from './quarantined.ts'
import { nextIds } from './read-contents.ts'
import type { ReplayOptions, ReplayTools } from './replay-options.ts'
import { replayPage, rewritePage } from './rewrite-page.ts'
import { type Survey, SurveyCount } from './survey.ts'

/** Classifications that are looked at, and locked, at once. */
const PAGE = 200

/** What a replay wrote. The keys are those of the JSON output. */
export interface Applied {
  /** Classifications whose rows were replaced. */
  readonly rewritten: number
  /** The run that loaded what was quarantined, as `sync_runs` has it; null when there was nothing to load. */
  readonly run: SyncRunRow | null
}

/** What today's contract and normalizer would change in what is stored. Asks the API nothing and writes nothing. */
export async function surveyReplay(tools: ReplayTools, options: ReplayOptions): Promise<Survey> {
  const { db, endpoint, logger } = tools
  const count = new SurveyCount()
  for await (const ids of pagesOfIds(tools, options)) {
    count.add(await retryDatabase(() => replayPage(db, ids, endpoint), logger))
  }
  for await (const page of quarantinedPages(tools, options)) {
    for (const quarantined of page) count.addQuarantined(fits(quarantined, endpoint))
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
  return { rewritten, run: run ?? null }
}

async function* pagesOfIds({ db, endpoint, logger }: ReplayTools, { since, signal }: ReplayOptions) {
  for (let after = 0; !signal.aborted; ) {
    const next = { media: endpoint.media, after, since, limit: PAGE }
    const ids = await retryDatabase(() => nextIds(db, next), logger)
    if (ids.length === 0) return
    yield ids
    after = ids.at(-1) ?? after
  }
}
