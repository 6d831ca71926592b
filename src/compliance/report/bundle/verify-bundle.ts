import { createHash } from 'node:crypto'
import { GENESIS, headAfter } from '../../../pipeline/seal/chain-head.ts'
import { leafHash, rootByProof } from '../../../pipeline/seal/merkle-tree.ts'
import type { JsonObject } from '../../../platform/json.ts'
import { type Finding, finding, timeProblem } from '../../verify/findings.ts'
import { type ReportData, reportDataSchema } from '../schema.ts'
import { type SealedRun, sealedFacts } from '../sealed-facts.ts'
import { differences, statedFacts } from '../verify-report.ts'
import {
  BUNDLE_VERSION,
  type HeadLine,
  headLine,
  type LeafLine,
  leafLine,
  parseObject,
  rowName,
  type RunLine,
  runLine,
} from './lines.ts'
import { type ProvedLeaf, provedFacts } from './proved-facts.ts'

/**
 * Verifies a bundle from itself alone. Checks every link of the chain, and that each event and note is a leaf under a root
 * of that chain. The report made again from these must be the one in the bundle. Anything malformed is a finding.
 *
 * @param givenHead A chain head that was noted elsewhere; one of the runs must have it.
 */
export async function verifyBundle(
  lines: AsyncIterable<{ readonly text: string }>,
  givenHead: string | undefined,
) {
  const verifier = new BundleVerifier(givenHead)
  for await (const { text } of lines) if (text.trim() !== '') verifier.add(text)
  return verifier.result()
}

class BundleVerifier {
  readonly #findings: Finding[] = []
  readonly #leaves = new Map<string, ProvedLeaf>()
  #data: ReportData | undefined
  #dataDigest: string | null = null
  #last: RunLine['run'] | undefined
  #lastRow: JsonObject = {}
  #formerRow: JsonObject = {}
  #lineNo = 0
  #givenHeadAt: number | null = null
  readonly #givenHead: string | undefined

  constructor(givenHead: string | undefined) {
    this.#givenHead = givenHead
  }

  add(line: string): void {
    this.#lineNo++
    const document = parseObject(line)
    if (this.#lineNo === 1) {
      const head = headLine.safeParse(document)
      if (head.success) this.#addHead(head.data)
      else this.#find('line 1', `is not the head of a bundle of version ${BUNDLE_VERSION}`)
      return
    }
    const run = runLine.safeParse(document)
    if (run.success) return this.#addRun(run.data)
    const leaf = leafLine.safeParse(document)
    if (leaf.success) this.#addLeaf(leaf.data)
    else this.#find(`line ${this.#lineNo}`, 'is neither a run nor a leaf')
  }

  result() {
    if (this.#data) this.#verifyReport(this.#data)
    if (this.#givenHead !== undefined && this.#givenHeadAt === null) {
      this.#find(`head ${this.#givenHead}`, 'is not in the chain')
    }
    return {
      runs: this.#last?.chain_position ?? 0,
      leaves: this.#leaves.size,
      events: this.#data?.events.length ?? 0,
      decisions: this.#data?.decisions.length ?? 0,
      data_digest: this.#dataDigest,
      is_complete: this.#data?.head.coverage.is_complete ?? null,
      /** Null when no head was given, or no run has it. */
      given_head_at: this.#givenHeadAt,
      chain_head: this.#last?.chain_head ?? null,
      findings: this.#findings,
    }
  }

  #addHead({ data, data_digest }: HeadLine): void {
    this.#dataDigest = data_digest
    if (createHash('sha256').update(data).digest('hex') !== data_digest) {
      this.#find('data_digest', 'does not match the data, because one of the two was altered')
    }
    const parsed = reportDataSchema.safeParse(parseObject(data))
    if (parsed.success) this.#data = parsed.data
    else this.#find('data', 'does not fit docs/report.schema.json')
  }

  #addRun({ run }: RunLine): void {
    const what = `run at position ${run.chain_position}`
    const expected = (this.#last?.chain_position ?? 0) + 1
    if (run.chain_position !== expected) {
      this.#find(what, `is at the place of the run at position ${expected}`)
    }
    const former = this.#last ? Buffer.from(this.#last.chain_head, 'hex') : GENESIS
    const head = headAfter(former, Buffer.from(run.merkle_root, 'hex'), run.row)
    if (head.toString('hex') !== run.chain_head) this.#find(what, 'does not follow from the previous link')
    if (run.chain_head === this.#givenHead) this.#givenHeadAt = run.chain_position
    this.#last = run
    this.#formerRow = this.#lastRow
    this.#lastRow = parseObject(run.row) ?? {}
  }

  #addLeaf({ leaf }: LeafLine): void {
    const row = parseObject(leaf.row) ?? {}
    const name = rowName(row)
    const proof = leaf.proof.map((hash) => Buffer.from(hash, 'hex'))
    const root = rootByProof(leafHash(leaf.row), leaf.leaf_no, leaf.leaf_count, proof)
    const isProved =
      leaf.chain_position === this.#last?.chain_position && root?.toString('hex') === this.#last.merkle_root
    if (isProved) {
      this.#leaves.set(name, { chain_position: leaf.chain_position, row })
      const problem = timeProblem(row, this.#lastRow, this.#formerRow)
      if (problem !== undefined) this.#find(name, problem)
    } else this.#find(name, 'does not belong to the root of its run, because it was altered or never sealed')
  }

  /** A row of a bundle can be anything, so that making the report may fail: that is a finding, too. */
  #verifyReport(data: ReportData): void {
    const [run, row] = [this.#last, this.#lastRow as SealedRun['row']]
    if (!run || typeof row.done_count !== 'number') {
      return this.#find('the chain', 'has no run for the as-of of the report')
    }
    try {
      const { facts, findings } = provedFacts(data, this.#leaves)
      for (const found of findings) this.#findings.push(found)
      const stated = statedFacts(data)
      const { asOf, coverage } = sealedFacts({ ...run, row })
      const { observed_since } = stated.coverage
      const all = { ...stated, ...facts, asOf, coverage: { ...coverage, observed_since } }
      for (const found of differences(data, all)) this.#findings.push(found)
    } catch (error) {
      this.#find('the report', `cannot be made again from the bundle: ${(error as Error).message}`)
    }
  }

  #find(what: string, problem: string): void {
    this.#findings.push(finding(what, problem))
  }
}
