import { DIGEST_VERSION } from '../../media/content-digest.ts'
import type { ContentRow, Endpoint, RowSet } from '../../media/endpoint.ts'
import { CONTENT_TABLES, ENDPOINTS } from '../../media/registry.ts'
import { recordDigest } from '../../pipeline/api/records.ts'
import { type Difference, differences, type Rows, rowsOf } from '../../pipeline/replay/differences.ts'
import { isJsonObject, type JsonObject } from '../../platform/json.ts'
import type { DataTable } from '../../platform/postgres/table.ts'
import { CLASSIFICATIONS } from '../../platform/postgres/tables/classifications.ts'
import { isFinished } from '../../platform/postgres/tables/queue.ts'
import { type Finding, finding } from './findings.ts'
import type { ShownContent, Stored } from './stored-pages.ts'

/** The part of history that rows were compared with. */
type Basis = 'payload' | 'without_payload' | 'not_accepted'

/** Compares everything that is stored of one classification with its history. */
export function compareStored(stored: Stored): {
  readonly basis: Basis
  readonly found: readonly Finding[]
} {
  const { basis, expected, problems } = expectationOf(stored)
  const byRow = Map.groupBy(
    differences(stored.rows, expected),
    ({ column, row }) => `${column.split('.')[0]} ${row}`,
  )
  const rows = [...byRow.values()].map((cells) => rowFinding(stored.id, cells))
  return {
    basis,
    found: [...problems, ...rows, ...linkFindings(stored, expected), ...identifierFindings(stored)],
  }
}

interface Expectation {
  readonly basis: Basis
  readonly expected: Rows
  readonly problems: readonly Finding[]
}

/** The rows that follow from history. Where history is less than a record, the other columns are left out. */
function expectationOf({ id, rows, content }: Stored): Expectation {
  if (!content) return { basis: 'payload', expected: {}, problems: [] }
  const endpoint = ENDPOINTS.find(({ media }) => media === content.media)
  if (content.payload === null) {
    const again = normalize(endpoint, id, recordOf(rows, endpoint))
    const removed = content.content_digest === null ? REDACTED : {}
    const classification = { ...again?.classification, ...repeated(content), ...removed }
    const expected = { ...(again ? rowsOf(again) : rows), classifications: [classification] }
    return { basis: 'without_payload', expected, problems: contradictions(id, again, content) }
  }
  const normalized = normalize(endpoint, id, JSON.parse(content.payload))
  const classification = { ...repeated(content), ...normalized?.classification }
  const expected = { ...(normalized ? rowsOf(normalized) : rows), classifications: [classification] }
  return { basis: normalized ? 'payload' : 'not_accepted', expected, problems: [] }
}

function normalize(endpoint: Endpoint | undefined, id: number, record: unknown): RowSet | undefined {
  if (!endpoint || !isJsonObject(record)) return undefined
  const validation = endpoint.validate(record)
  return validation.accepted ? endpoint.normalize(id, validation.classification) : undefined
}

/** The record that the rows themselves hold; undefined when they hold none. */
function recordOf(rows: Rows, endpoint: Endpoint | undefined): JsonObject | undefined {
  const [classification] = (rows.classifications ?? []) as readonly ContentRow[]
  if (!classification) return undefined
  try {
    return endpoint?.denormalize({ classification, children: { ...NO_ROWS, ...rows } })
  } catch {
    return undefined
  }
}

const NO_ROWS: Rows = Object.fromEntries(CONTENT_TABLES.map(({ name }) => [name, []]))

/** The columns of a classification that its revision repeats. */
function repeated(content: ShownContent) {
  return Object.fromEntries(REPEATED.map((column) => [column, content[column]]))
}

const REPEATED = [
  'classification_id',
  'media',
  'identifier',
  'file_hash',
  'api_version',
  'force_classification',
  'revision_no',
  'observed_at',
  'run_id',
] as const

/** The columns of a classification that redact clears. */
const REDACTED = { name: null, ref_id: null, result_url: null, extra: null, unstorable: null }

/** Facts of a record that its revision repeats. */
const FACTS = [
  'file_hash',
  'status',
  'api_version',
  'machine_classification',
  'machine_confidence',
  'machine_heuristic',
  'force_classification',
] as const

/** @param again The record that the rows hold. */
function contradictions(id: number, again: RowSet | undefined, content: ShownContent): Finding[] {
  const what = `the rows of classification ${id}`
  if (!again) return [finding(what, 'do not hold a record')]
  const columns: string[] = FACTS.filter((column) => again.revision[column] !== content[column])
  const isComparable = content.digest_version === DIGEST_VERSION
  if (isComparable && again.contentDigest !== content.content_digest) columns.push('content_digest')
  if (columns.length === 0) return []
  return [finding(what, `differ from revision ${content.revision_no} in: ${columns.join(', ')}`)]
}

/** A link is the one of the payload where that was the last record of its identifier. A redaction removes it. */
function linkFindings({ id, rows, content, identifier }: Stored, expected: Rows): Finding[] {
  const [[stored], [followed]] = [rows, expected].map((of) => of.classifications ?? []) as [Link[], Link[]]
  if (!stored || followed?.result_url === undefined || stored.result_url === followed.result_url) return []
  const payload = content?.payload ?? null
  const isKnown = payload === null || recordDigest(Buffer.from(payload)) === identifier?.record_digest
  return isKnown ? [finding(rowName(CLASSIFICATIONS, id, null), differs(['result_url']))] : []
}

type Link = Partial<Pick<ContentRow, 'result_url'>>

/** The finding about one row, from its differences. */
function rowFinding(id: number, cells: readonly Difference[]): Finding {
  const { column, row, before } = cells[0] as Difference
  const [name, cell] = column.split('.')
  const what = rowName(CONTENT_TABLES.find((table) => table.name === name) as DataTable, id, row)
  if (cell !== undefined) return finding(what, differs(cells.map((one) => one.column.split('.')[1] ?? '')))
  return finding(what, before === null ? 'is missing' : 'is not in the history, because it was inserted')
}

/** `verdicts (classification_id 7, verdict_no 2)` */
function rowName({ name, order }: DataTable, id: number, row: number | null): string {
  return `${name} (classification_id ${id}${row === null ? '' : `, ${order[0]} ${row}`})`
}

function differs(columns: readonly string[]): string {
  return `differs from the history in: ${columns.join(', ')}`
}

/** The facts of a tracked identifier that follow from history. */
function identifierFindings({ id, content, identifier }: Stored): Finding[] {
  const what = `identifiers (id ${id})`
  if (!identifier) return content ? [finding(what, 'is missing')] : []
  const { media, state, finished_at, first_finished_at, trigger, has_its_redaction } = identifier
  const columns = [
    ...(content && content.media !== media ? ['media'] : []),
    ...(content && content.identifier !== identifier.identifier ? ['identifier'] : []),
    ...(isFinished(state) && state !== content?.status ? ['state'] : []),
    // A replay of several quarantined records finishes an identifier with the last of them.
    ...(finished_at !== first_finished_at && trigger !== 'replay' ? ['finished_at'] : []),
    ...(has_its_redaction ? [] : ['redacted_at']),
  ]
  return columns.length === 0 ? [] : [finding(what, differs(columns))]
}
