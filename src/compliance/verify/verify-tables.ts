import { scheduler } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import { count } from '../../platform/terminal/text.ts'
import { compareStored } from './compare-stored.ts'
import { type Finding, finding } from './findings.ts'
import { storedPages } from './stored-pages.ts'

/** Findings that are listed; the others are counted. */
const LISTED = 10_000

/**
 * Normalizes the payload of each content that the data tables show, and compares every column of every row. Also compares the
 * facts of the tracked identifiers that follow from history. Reads page by page, within a transaction, and writes nothing.
 *
 * The link to a result can be newer than the payload, because a link is not content. It is compared where the last record was
 * the stored one.
 *
 * @param onProgress Receives the number of classifications so far.
 */
export async function verifyTables(trx: Kysely<Database>, onProgress: (checked: number) => void = () => {}) {
  const findings: Finding[] = []
  const counts = {
    classifications: 0,
    /** Classifications without a payload, whose rows were compared with each other and with the revision. */
    without_payload: 0,
    /** Classifications whose payload this version does not accept: only the columns of the revision were compared. */
    not_accepted: 0,
  }
  let more = 0
  for await (const page of storedPages(trx)) {
    for (const stored of page) {
      const { basis, found } = compareStored(stored)
      if (stored.content) counts.classifications++
      if (basis !== 'payload') counts[basis]++
      more += Math.max(0, findings.length + found.length - LISTED)
      findings.push(...found.slice(0, LISTED - findings.length))
      // The runs of a daemon go on meanwhile.
      await scheduler.yield()
    }
    onProgress(counts.classifications)
  }
  if (more > 0) findings.push(finding('the tables', `differ from the history in ${count(more)} more places`))
  return { counts, findings }
}
