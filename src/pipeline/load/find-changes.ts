import type { Kysely } from 'kysely'
import {
  type ComparedContent,
  causesOfChange,
  causesOfFirst,
  isFinished,
} from '../../media/causes-of-change.ts'
import { contentDigest, DIGEST_VERSION } from '../../media/content-digest.ts'
import type { Endpoint } from '../../media/endpoint.ts'
import type { JsonObject } from '../../platform/json.ts'
import type { Database } from '../../platform/postgres/database.ts'
import type { RevisionCause } from '../../platform/postgres/tables/history.ts'
import type { DatabaseTime } from '../../platform/time.ts'
import type { Returned } from './outcome.ts'
import {
  type LatestRevision,
  readLatestContents,
  readLatestRevisions,
  type StoredContent,
} from './read-history.ts'

/** A record whose content is new or differs, and the revision that history gets for it. */
export interface Change {
  readonly outcome: Returned
  readonly revisionNo: number
  readonly causes: readonly RevisionCause[]
  /** A finished analysis runs again: history gets the revision, the rows of the finished content stay. */
  readonly keepsRows: boolean
  /** The data tables have rows of this classification already. */
  readonly replacesRows: boolean
  /** Lower bound of the change where history has it; undefined means last_confirmed_at of the identifier. */
  readonly carriedConfirmation: DatabaseTime | null | undefined
}

/** Returns the records whose content history does not have yet. */
export async function findChanges(
  db: Kysely<Database>,
  endpoint: Endpoint,
  returned: readonly Returned[],
): Promise<Change[]> {
  const latest = await readLatestRevisions(db, idsOf(returned))
  const digests = await currentDigests(db, endpoint, latest)
  const differing = returned.filter(({ claim, rows }) => {
    const revision = latest.get(claim.id)
    return revision === undefined || revision.disappeared || digests.get(claim.id) !== rows.contentDigest
  })
  const known = idsOf(differing.filter(({ claim }) => latest.has(claim.id)))
  const [contents, finished] = [
    await readLatestContents(db, known, 'latest'),
    await readLatestContents(db, known, 'finished'),
  ]
  return differing.map((outcome) => {
    const revision = latest.get(outcome.claim.id)
    if (revision === undefined) {
      return {
        outcome,
        revisionNo: 1,
        causes: causesOfFirst(outcome.rows.revision),
        keepsRows: false,
        replacesRows: false,
        carriedConfirmation: null,
      }
    }
    const next = comparedContent(outcome, endpoint)
    const before = {
      latest: comparedStored(contents.get(outcome.claim.id), endpoint) ?? next,
      finished: comparedStored(finished.get(outcome.claim.id), endpoint),
      disappeared: revision.disappeared,
    }
    const isRunningAgain = before.finished !== null && !isFinished(before.latest)
    return {
      outcome,
      revisionNo: revision.revision_no + 1,
      causes: causesOfChange(before, next, endpoint.parts),
      keepsRows: before.finished !== null && !isFinished(outcome.rows.revision),
      replacesRows: true,
      // While an analysis runs again, the last confirmation is still that of the finished content before it.
      carriedConfirmation: isRunningAgain ? revision.previous_confirmed_at : undefined,
    }
  })
}

/**
 * The latest digest of each classification in the current digest version. A digest of an older version, or a missing one, is
 * computed again from the stored payload. So an upgrade does not appear as a change.
 */
async function currentDigests(
  db: Kysely<Database>,
  endpoint: Endpoint,
  latest: ReadonlyMap<number, LatestRevision>,
): Promise<Map<number, string | null>> {
  const digests = new Map([...latest].map(([id, revision]) => [id, revision.content_digest]))
  const outdated = [...latest.values()].filter((revision) => revision.digest_version !== DIGEST_VERSION)
  const contents = await readLatestContents(
    db,
    outdated.map((revision) => revision.classification_id),
    'latest',
  )
  for (const [id, { payload }] of contents) {
    if (payload) digests.set(id, contentDigest(endpoint.canonicalize(payload)))
  }
  return digests
}

function comparedStored(content: StoredContent | undefined, endpoint: Endpoint): ComparedContent | null {
  if (content === undefined) return null
  const { status, force_classification, payload } = content
  return { status, force_classification, canonical: payload && endpoint.canonicalize(payload) }
}

/** Reads the record again, because few records differ, and keeping all of them parsed would cost more. */
function comparedContent({ rows, bytes }: Returned, endpoint: Endpoint): ComparedContent {
  const { status, force_classification } = rows.revision
  const canonical = endpoint.canonicalize(JSON.parse(bytes.toString()) as JsonObject)
  return { status, force_classification, canonical }
}

function idsOf(outcomes: readonly Returned[]): number[] {
  return outcomes.map(({ claim }) => claim.id)
}
