import { canonicalJson } from '../../canonical-json.ts'
import { chainHead, GENESIS } from '../../chain/chain-head.ts'
import type { Finding } from '../../chain/findings.ts'
import { leafHash, rootByProof } from '../../chain/merkle-tree.ts'
import { isJsonObject, type JsonObject } from '../../json.ts'
import { coverageGaps } from '../coverage-gaps.ts'
import type { Report } from '../report.ts'
import { reportSchema } from '../report-schema.ts'
import { verifyReport } from '../verify-report.ts'
import { BUNDLE_VERSION, type LeafLine, type RunLine } from './bundle.ts'
import { noteName, revisionName } from './read-leaves.ts'
import { verifyEvents } from './verify-events.ts'

/** What a check of a bundle found. */
export interface BundleReport {
  readonly runs: number
  readonly leaves: number
  readonly events: number
  readonly decisions: number
  readonly chain_head: string | null
  readonly findings: readonly Finding[]
}

/** A leaf whose proof led to the root of its run. */
export interface ProvedLeaf {
  readonly chain_position: number
  readonly row: JsonObject
}

/**
 * Verifies a bundle from itself alone: the digest of its report, every link of the chain, and that each event and note is,
 * value by value, a leaf under a root of that chain. Whatever is malformed is a finding.
 *
 * @param head A chain head that was noted elsewhere; one of the runs has to have it.
 */
export async function verifyBundle(lines: AsyncIterable<string>, head?: string): Promise<BundleReport> {
  const check = new BundleCheck(head)
  for await (const line of lines) if (line !== '') check.take(line)
  return check.result()
}

class BundleCheck {
  readonly #findings: Finding[] = []
  readonly #leaves = new Map<string, ProvedLeaf>()
  #report: Report | undefined
  #last: RunLine['run'] | undefined
  #lineNo = 0
  /** Noted elsewhere, and not met yet. */
  #missingHead: string | undefined

  constructor(head: string | undefined) {
    this.#missingHead = head
  }

  take(line: string): void {
    this.#lineNo++
    const document = parse(line)
    if (this.#lineNo === 1) return this.#takeHead(document)
    if (isJsonObject(document?.run)) return this.#takeRun(document as unknown as RunLine)
    if (isJsonObject(document?.leaf)) return this.#takeLeaf(document as unknown as LeafLine)
    this.#find(`line ${this.#lineNo}`, 'is neither a run nor a leaf')
  }

  result(): BundleReport {
    const report = this.#report
    if (report) {
      this.#findings.push(...verifyReport(report), ...verifyEvents(report, this.#leaves))
      this.#verifyAsOf(report)
    }
    if (this.#missingHead !== undefined) this.#find(`head ${this.#missingHead}`, 'is not in the chain')
    return {
      runs: this.#last?.chain_position ?? 0,
      leaves: this.#leaves.size,
      events: report?.events.length ?? 0,
      decisions: report?.decisions.length ?? 0,
      chain_head: this.#last?.chain_head ?? null,
      findings: this.#findings,
    }
  }

  #takeHead(document: JsonObject | undefined): void {
    if (document?.bundle_version === BUNDLE_VERSION && reportSchema.safeParse(document.report).success) {
      this.#report = document.report as unknown as Report
    } else {
      this.#find(
        'line 1',
        `is not the head of a bundle of version ${BUNDLE_VERSION}, with a report as docs/report.schema.json has it`,
      )
    }
  }

  #takeRun({ run }: RunLine): void {
    const what = `run ${run.row?.run_id}`
    const expected = (this.#last?.chain_position ?? 0) + 1
    if (run.chain_position !== expected) {
      this.#find(what, `stands where the run at chain position ${expected} has to stand`)
    }
    const former = this.#last ? hashOf(this.#last.chain_head) : GENESIS
    const root = hashOf(run.merkle_root)
    const follows =
      former &&
      root &&
      isJsonObject(run.row) &&
      chainHead(former, root, run.row).toString('hex') === run.chain_head
    if (!follows) this.#find(what, 'does not follow from the link before')
    if (run.chain_head === this.#missingHead) this.#missingHead = undefined
    this.#last = run
  }

  #takeLeaf({ leaf }: LeafLine): void {
    const row = leaf.revision ?? leaf.note
    const what = leaf.revision
      ? revisionName(Number(leaf.revision.classification_id), Number(leaf.revision.revision_no))
      : noteName(Number(leaf.note?.note_id))
    const proof = Array.isArray(leaf.proof) ? leaf.proof.map(hashOf) : [undefined]
    const isUnderRoot =
      isJsonObject(row) &&
      leaf.chain_position === this.#last?.chain_position &&
      proof.every((hash) => hash !== undefined) &&
      rootByProof(leafHash(canonicalJson(row)), leaf.leaf_no, leaf.leaf_count, proof)?.toString('hex') ===
        this.#last.merkle_root
    if (isUnderRoot) this.#leaves.set(what, { chain_position: leaf.chain_position, row })
    else this.#find(what, 'is not under the root of its run: it has been altered, or never was sealed')
  }

  #verifyAsOf({ head }: Report): void {
    const { as_of, coverage, period } = head
    const row: JsonObject = this.#last?.row ?? {}
    const expected = {
      run_id: row.run_id,
      finished_at: row.finished_at,
      chain_position: this.#last?.chain_position,
      chain_head: this.#last?.chain_head,
      notes_through: row.notes_through,
      first_http_date: row.first_http_date ?? null,
      last_http_date: row.last_http_date ?? null,
    }
    for (const [key, value] of Object.entries(expected)) {
      if (as_of[key as keyof typeof as_of] !== value)
        this.#find(`as_of.${key}`, 'is not that of the last run')
    }
    for (const [key, value] of Object.entries(coverageOf(row))) {
      if (canonicalJson([coverage[key as keyof typeof coverage] as never]) !== canonicalJson([value])) {
        this.#find(`coverage.${key}`, 'is not what the last run has sealed')
      }
    }
    if (coverage.is_complete !== (coverageGaps(period, as_of, coverage).length === 0)) {
      this.#find('coverage.is_complete', 'does not follow from the coverage')
    }
  }

  #find(what: string, problem: string): void {
    this.#findings.push({ chain_position: null, what, problem })
  }
}

/** What a report says of the ledger, as the sealed row of a run has it. */
function coverageOf(row: JsonObject): JsonObject {
  return {
    tracked: row.tracked_count ?? null,
    done: row.done_count ?? null,
    errored: row.errored_count ?? null,
    settled: Number(row.done_count) + Number(row.errored_count),
    pending: row.pending_count ?? null,
    missing: row.missing_count ?? null,
    quarantined: row.quarantined_count ?? null,
    retired: row.retired_count ?? null,
    retired_reasons: row.retired_reasons ?? [],
    confirmed_since: row.confirmed_since ?? null,
    unsettled_enqueued_since: row.unsettled_enqueued_since ?? null,
    unsealed_runs: row.unsealed_runs ?? null,
  }
}

function hashOf(hex: unknown): Buffer | undefined {
  return typeof hex === 'string' && /^[0-9a-f]{64}$/.test(hex) ? Buffer.from(hex, 'hex') : undefined
}

function parse(line: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
