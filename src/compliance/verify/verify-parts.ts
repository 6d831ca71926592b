import { type Kysely, sql } from 'kysely'
import { revisionsWithParts } from '../../pipeline/load/read-history.ts'
import { commitment, personalCommitment } from '../../pipeline/seal/commitment.ts'
import { revisionName } from '../../pipeline/seal/leaf.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { IS_SUPERSEDED } from '../history/prune-payloads.ts'
import { type Finding, finding } from './findings.ts'

/** Revisions that are in memory together; their payloads may be large. */
const PAGE = 500

/** Compares the parts of every revision that can be removed, its personal values and its payload, with their commitments. */
export async function verifyParts(db: Kysely<Database>) {
  const findings: Finding[] = []
  const counts = {
    /** Revisions whose personal values were compared. */
    personal_values_checked: 0,
    /** Revisions whose personal values were removed by redact. */
    personal_values_redacted: 0,
    payloads_checked: 0,
    /** Revisions whose payload was removed, or cannot be compared because the salt was. */
    payloads_not_checked: 0,
  }
  const redacted = await readRedacted(db)
  for await (const revision of partsToVerify(db)) {
    const { salt, payload } = revision
    const isRedacted = redacted.has(revision.classification_id)
    const name = revisionName(revision.classification_id, revision.revision_no)
    const find = (part: string, problem: string) => findings.push(finding(`${part} of ${name}`, problem))
    if (salt !== null) {
      counts.personal_values_checked++
      if (personalCommitment(salt, revision) !== revision.personal_commitment)
        find('personal values', 'differ from the sealed commitment, because they were altered')
    } else if (isRedacted) counts.personal_values_redacted++
    else
      find(
        'personal values',
        'are missing, although no redaction was recorded, so they were deleted manually',
      )
    if (salt !== null && payload !== null) {
      counts.payloads_checked++
      if (commitment(salt, Buffer.from(payload)) !== revision.payload_commitment)
        find('payload', 'differs from the sealed commitment, because it was altered')
    } else if (revision.payload_commitment !== null) {
      counts.payloads_not_checked++
      if (revision.is_payload_kept && !isRedacted)
        find('payload', 'is missing, although prune never deletes it, so it was deleted manually')
    }
  }
  findings.push(...(await orphans(db, 'personal_values')), ...(await orphans(db, 'revision_payloads')))
  return { ...counts, findings }
}

/** Rows of no revision. */
async function orphans(
  db: Kysely<Database>,
  table: 'personal_values' | 'revision_payloads',
): Promise<Finding[]> {
  const { rows } = await sql<{ classification_id: number; revision_no: number }>`
    select part.classification_id, part.revision_no from identifai.${sql.ref(table)} as part
    where not exists (select from identifai.classification_revisions as r
      where r.classification_id = part.classification_id and r.revision_no = part.revision_no)
    order by 1, 2 limit 1000`.execute(db)
  const part = table === 'personal_values' ? 'personal values' : 'payload'
  return rows.map(({ classification_id, revision_no }) =>
    finding(
      `${part} of ${revisionName(classification_id, revision_no)}`,
      'cannot have been sealed, because there is no such revision',
    ),
  )
}

/** The identifiers that were redacted. */
async function readRedacted(db: Kysely<Database>): Promise<ReadonlySet<number | null>> {
  const rows = await db
    .selectFrom('identifai.actions')
    .select('classification_id')
    .where('kind', '=', 'redact')
    .execute()
  return new Set(rows.map(({ classification_id }) => classification_id))
}

/**
 * Every revision with its parts, in the order of the primary key. It is read in ranges of whole classifications. On a cluster, the
 * coordinator would store all rows of a cursor before it returns the first.
 */
async function* partsToVerify(db: Kysely<Database>) {
  for (let after: number | null = null; ; ) {
    const through = await lastOfRange(db, after)
    if (through === undefined) return
    yield* await partsBetween(db, after, through)
    after = through
  }
}

/** The classification that ends the range after another; the first range has no lower bound. */
async function lastOfRange(db: Kysely<Database>, after: number | null): Promise<number | undefined> {
  const rows = await db
    .selectFrom('identifai.classification_revisions')
    .select('classification_id')
    .$if(after !== null, (query) => query.where('classification_id', '>', after))
    .orderBy('classification_id')
    .limit(PAGE)
    .execute()
  return rows.at(-1)?.classification_id
}

function partsBetween(db: Kysely<Database>, after: number | null, through: number) {
  return revisionsWithParts(db)
    .select(['r.classification_id', 'r.revision_no', 'r.personal_commitment', 'r.payload_commitment'])
    .select(['v.salt', 'v.name', 'v.ref_id', 'v.result_url', 'v.source'])
    .select([
      sql<string | null>`p.payload::text`.as('payload'),
      // Looked up for the few revisions without these parts only.
      sql<boolean>`p.revision_no is null and r.payload_commitment is not null and not ${IS_SUPERSEDED}`.as(
        'is_payload_kept',
      ),
    ])
    .$if(after !== null, (query) => query.where('r.classification_id', '>', after))
    .where('r.classification_id', '<=', through)
    .orderBy('r.classification_id')
    .orderBy('r.revision_no')
    .execute()
}
