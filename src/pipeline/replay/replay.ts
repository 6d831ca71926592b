import { retryDatabase } from '../../platform/postgres/retry-database.ts'
import type { SyncRunRow } from '../../platform/postgres/tables/runs.ts'
import { fits, loadQuarantined } from './load-quarantined.ts'
import { quarantinedPages } from './quarantined.ts'
import type { ReplayOptions, ReplayTools } from './options.ts'
import { nextClassifications } from './read-stored.ts'
import { replayPage, rewritePage } from './replay-page.ts'
import { type Survey, SurveyCount } from './survey.ts'

/** Classifications that are read, and locked, together. */
const PAGE = 200

/** The writes of a replay. The keys are those of the JSON output. */
export interface Applied {
  /** Classifications whose rows were replaced. */
  readonly rewritten: number
  /** The run that loaded quarantined records, as `sync_runs` has it; null when there was nothing to load. */
  readonly run: SyncRunRow | null
}

/** Finds what the current contract and normalizer would change in the tables. Sends no request and writes nothing. */
export async function surveyReplay(tools: ReplayTools, options: ReplayOptions): Promise<Survey> {
  const { db, logger } = tools
  const count = new SurveyCount()
  for await (const ids of pagesOfIds(tools, options)) {
    count.add(await retryDatabase(() => replayPage(db, ids), logger))
  }
  for await (const page of quarantinedPages(tools, options)) {
    for (const quarantined of page) count.addQuarantined(fits(quarantined))
  }
  return count.survey
}

/**
 * Normalizes the stored payloads again with the current contract and normalizer. Rows that differ are replaced in place,
 * without a revision, because nothing new was observed. Quarantined records that fit now are loaded, with a revision.
 */
export async function applyReplay(tools: ReplayTools, options: ReplayOptions): Promise<Applied> {
  const { pool, logger } = tools
  let rewritten = 0
  for await (const ids of pagesOfIds(tools, options)) {
    const replayed = await retryDatabase(() => rewritePage(pool, ids), logger)
    rewritten += replayed.filter(({ kind }) => kind === 'changed').length
  }
  const run = await loadQuarantined(tools, options)
  return { rewritten, run: run ?? null }
}

async function* pagesOfIds({ db, logger }: ReplayTools, { since, signal }: ReplayOptions) {
  for (let after = 0; !signal.aborted; ) {
    const next = { after, since, limit: PAGE }
    const ids = await retryDatabase(() => nextClassifications(db, next), logger)
    if (ids.length === 0) return
    yield ids
    after = ids.at(-1) ?? after
  }
}
