import type { Kysely } from 'kysely'
import type { DatabaseTime } from '../../platform/database-time.ts'
import type { Database } from '../../platform/postgres/database.ts'
import type { JsonObject } from '../../platform/json.ts'
import { causesOfChange, isFinished, type ComparedContent } from '../../media/causes-of-change.ts'
import { contentDigest, DIGEST_VERSION } from '../../media/content-digest.ts'
import type { RowSet } from '../../media/row-set.ts'
import type { Outcome } from './outcome.ts'
import { type LatestRevision, readContents, readLatestRevisions, type StoredContent } from './read-history.ts'

export type Returned = Extract<Outcome, { kind: 'answered' }>

/** An answer whose content is new or differs, and what history will say of it. */
export interface Change {
  readonly outcome: Returned
  readonly revisionNo: number
  readonly causes: readonly string[]
  /** A new analysis runs while a finished one is known: history notes it, the finished rows stay. */
  readonly keepsRows: boolean
  /** Whether the data tables have rows of this classification already. */
  readonly replacesRows: boolean
  /** Lower bound of the change where history has it; undefined means the ledger's last_confirmed_at. */
  readonly carriedConfirmation: DatabaseTime | null | undefined
}

/** Canonical content of a kept payload; the endpoint knows how. */
export type Canonicalize = (payload: JsonObject) => JsonObject

/** Which of these answers bring something that history does not have yet. */
export async function findChanges(
  db: Kysely<Database>,
  answered: readonly Returned[],
  canonicalize: Canonicalize,
): Promise<Change[]> {
  const latest = await readLatestRevisions(db, idsOf(answered))
  const digests = await currentDigests(db, latest, canonicalize)
  const differing = answered.filter(({ claim, rows }) => {
    const revision = latest.get(claim.id)
    return (
      revision === undefined || revision.disappeared || digests.get(claim.id) !== rows.revision.content_digest
    )
  })
  const known = idsOf(differing.filter(({ claim }) => latest.has(claim.id)))
  const [contents, finished] = [
    await readContents(db, known, 'latest'),
    await readContents(db, known, 'finished'),
  ]
  return differing.map((outcome) => {
    const revision = latest.get(outcome.claim.id)
    if (revision === undefined) return firstRevision(outcome)
    const before = {
      latest: seen(contents.get(outcome.claim.id), canonicalize) ?? comparedNow(outcome.rows),
      finished: seen(finished.get(outcome.claim.id), canonicalize),
      disappeared: revision.disappeared,
    }
    const interlude = before.finished !== null && !isFinished(before.latest)
    return {
      outcome,
      revisionNo: revision.revision_no + 1,
      causes: causesOfChange(before, comparedNow(outcome.rows)),
      keepsRows: before.finished !== null && !isFinished(outcome.rows.revision),
      replacesRows: true,
      // While an analysis runs again, what was last confirmed is still the finished content before it.
      carriedConfirmation: interlude ? revision.previous_confirmed_at : undefined,
    }
  })
}

function firstRevision(outcome: Returned): Change {
  return {
    outcome,
    revisionNo: 1,
    causes: causesOfChange(null, comparedNow(outcome.rows)),
    keepsRows: false,
    replacesRows: false,
    carriedConfirmation: null,
  }
}

/**
 * The latest digest of each classification in today's digest version: one made by an older version is made anew
 * from the kept payload, so that an upgrade invents no change.
 */
async function currentDigests(
  db: Kysely<Database>,
  latest: ReadonlyMap<number, LatestRevision>,
  canonicalize: Canonicalize,
): Promise<Map<number, string>> {
  const digests = new Map([...latest].map(([id, revision]) => [id, revision.content_digest]))
  const outdated = [...latest.values()].filter((revision) => revision.digest_version !== DIGEST_VERSION)
  const contents = await readContents(
    db,
    outdated.map((revision) => revision.classification_id),
    'latest',
  )
  for (const [id, { payload }] of contents) {
    if (payload) digests.set(id, contentDigest(canonicalize(payload)))
  }
  return digests
}

function seen(content: StoredContent | undefined, canonicalize: Canonicalize): ComparedContent | null {
  if (content === undefined) return null
  return {
    status: content.status,
    force_classification: content.force_classification,
    canonical: content.payload && canonicalize(content.payload),
  }
}

function comparedNow({ revision, canonical }: RowSet): ComparedContent {
  return { status: revision.status, force_classification: revision.force_classification, canonical }
}

function idsOf(outcomes: readonly Returned[]): number[] {
  return outcomes.map(({ claim }) => claim.id)
}
