import { createHash } from 'node:crypto'
import { z } from 'zod'
import { GENESIS, headAfter } from '../../../pipeline/seal/chain-head.ts'
import { type Finding, finding } from '../../verify/findings.ts'
import { noteName, revisionName } from '../../../pipeline/seal/leaf.ts'
import { leafHash, rootByProof } from '../../../pipeline/seal/merkle-tree.ts'
import { outsideRun } from '../../verify/outside-run.ts'
import { isJsonObject, type JsonObject } from '../../../platform/json.ts'
import type { ReportData } from '../report.ts'
import { reportDataSchema } from '../report-schema.ts'
import { type SealedRun, sealedFacts } from '../sealed-facts.ts'
import { differences, statedFacts } from '../verify-report.ts'
import { BUNDLE_VERSION, type LeafLine, type RunLine } from './bundle.ts'
import { type ProvedLeaf, provedFacts } from './proved-facts.ts'

/** What a check of a bundle found. */
export interface BundleReport {
  readonly runs: number
  readonly leaves: number
  readonly events: number
  readonly decisions: number
  /** Where in the chain the run stands whose head was given; null when none was, or no run has it. */
  readonly given_head_at: number | null
  readonly chain_head: string | null
  readonly findings: readonly Finding[]
}

/**
 * Verifies a bundle from itself alone: every link of the chain, that each event and note is a leaf under a root of that
 * chain, and that the report made anew from these is the one that it has. Whatever is malformed is a finding.
 *
 * @param head A chain head that was noted elsewhere; one of the runs has to have it.
 */
export async function verifyBundle(lines: AsyncIterable<string>, head?: string): Promise<BundleReport> {
  const check = new BundleCheck(head)
  for await (const line of lines) if (line.trim() !== '') check.take(line)
  return check.result()
}

class BundleCheck {
  readonly #findings: Finding[] = []
  readonly #leaves = new Map<string, ProvedLeaf>()
  #data: ReportData | undefined
  #last: RunLine['run'] | undefined
  #lastRow: JsonObject = {}
  #formerRow: JsonObject = {}
  #lineNo = 0
  /** Noted elsewhere. */
  readonly #givenHead: string | undefined
  #givenHeadAt: number | null = null

  constructor(head: string | undefined) {
    this.#givenHead = head
  }

  take(line: string): void {
    this.#lineNo++
    const document = parse(line)
    const [head, run, leaf] = [headLine, runLine, leafLine].map((schema) => schema.safeParse(document))
    if (this.#lineNo === 1) {
      if (head?.success) this.#takeHead(head.data as z.infer<typeof headLine>)
      else this.#find('line 1', `is not the head of a bundle of version ${BUNDLE_VERSION}`)
    } else if (run?.success) this.#takeRun(run.data as RunLine)
    else if (leaf?.success) this.#takeLeaf(leaf.data as LeafLine)
    else this.#find(`line ${this.#lineNo}`, 'is neither a run nor a leaf')
  }

  result(): BundleReport {
    if (this.#data) this.#verifyReport(this.#data)
    if (this.#givenHead !== undefined && this.#givenHeadAt === null) {
      this.#find(`head ${this.#givenHead}`, 'is not in the chain')
    }
    return {
      runs: this.#last?.chain_position ?? 0,
      leaves: this.#leaves.size,
      events: this.#data?.events.length ?? 0,
      decisions: this.#data?.decisions.length ?? 0,
      given_head_at: this.#givenHeadAt,
      chain_head: this.#last?.chain_head ?? null,
      findings: this.#findings,
    }
  }

  #takeHead({ data, data_digest }: z.infer<typeof headLine>): void {
    if (createHash('sha256').update(data).digest('hex') !== data_digest) {
      this.#find('data_digest', 'is not that of the data: one of the two has been altered')
    }
    const parsed = reportDataSchema.safeParse(parse(data))
    if (parsed.success) this.#data = parsed.data
    else this.#find('data', 'is no report as docs/report.schema.json has it')
  }

  #takeRun({ run }: RunLine): void {
    const what = `run at position ${run.chain_position}`
    const expected = (this.#last?.chain_position ?? 0) + 1
    if (run.chain_position !== expected) {
      this.#find(what, `stands where the run at position ${expected} has to stand`)
    }
    const former = this.#last ? Buffer.from(this.#last.chain_head, 'hex') : GENESIS
    const head = headAfter(former, Buffer.from(run.merkle_root, 'hex'), run.row)
    if (head.toString('hex') !== run.chain_head) this.#find(what, 'does not follow from the link before')
    if (run.chain_head === this.#givenHead) this.#givenHeadAt = run.chain_position
    this.#last = run
    this.#formerRow = this.#lastRow
    this.#lastRow = parse(run.row) ?? {}
  }

  #takeLeaf({ leaf }: LeafLine): void {
    const row = parse(leaf.row) ?? {}
    const name =
      typeof row.note_id === 'number'
        ? noteName(row.note_id)
        : revisionName(Number(row.classification_id), Number(row.revision_no))
    const proof = leaf.proof.map((hash) => Buffer.from(hash, 'hex'))
    const root = rootByProof(leafHash(leaf.row), leaf.leaf_no, leaf.leaf_count, proof)
    const isProved =
      leaf.chain_position === this.#last?.chain_position && root?.toString('hex') === this.#last.merkle_root
    if (isProved) {
      this.#leaves.set(name, { chain_position: leaf.chain_position, row })
      const problem = outsideRun(row, this.#lastRow, this.#formerRow)
      if (problem !== undefined) this.#find(name, problem)
    } else this.#find(name, 'is not under the root of its run: it has been altered, or never was sealed')
  }

  /** A row of a bundle can be anything; what no report can be made of is a finding. */
  #verifyReport(data: ReportData): void {
    try {
      this.#rebuild(data)
    } catch (error) {
      this.#find('the report', `cannot be made anew from this: ${(error as Error).message}`)
    }
  }

  #rebuild(data: ReportData): void {
    const run = this.#sealedRun()
    if (!run) return this.#find('the chain', 'has no run that the report can be as of')
    const { facts, findings } = provedFacts(data, this.#leaves)
    for (const found of findings) this.#findings.push(found)
    const stated = statedFacts(data)
    const { asOf, coverage } = sealedFacts(run)
    const { observed_since } = stated.coverage
    const all = { ...stated, ...facts, asOf, coverage: { ...coverage, observed_since } }
    for (const found of differences(data, all)) this.#findings.push(found)
  }

  #sealedRun(): SealedRun | undefined {
    const row = this.#last && parse(this.#last.row)
    if (!this.#last || !row || typeof row.done_count !== 'number') return undefined
    const { chain_position, chain_head } = this.#last
    return { chain_position, chain_head, row: row as SealedRun['row'] }
  }

  #find(what: string, problem: string): void {
    this.#findings.push(finding(what, problem))
  }
}

const hash = z.string().regex(/^[0-9a-f]{64}$/)
const headLine = z.strictObject({
  bundle_version: z.literal(BUNDLE_VERSION),
  generated_at: z.string(),
  generated_by: z.string(),
  data_digest: hash,
  data: z.string(),
})
const runLine = z.strictObject({
  run: z.strictObject({ chain_position: z.int(), merkle_root: hash, chain_head: hash, row: z.string() }),
})
const leafLine = z.strictObject({
  leaf: z.strictObject({
    chain_position: z.int(),
    leaf_no: z.int(),
    leaf_count: z.int(),
    proof: z.array(hash),
    row: z.string(),
  }),
})

function parse(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
