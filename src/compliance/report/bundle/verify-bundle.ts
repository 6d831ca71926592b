import { createHash } from 'node:crypto'
import { chainName, isSignedBy } from '../../../pipeline/seal/checkpoint.ts'
import { isConsistent, leafHash, rootByProof } from '../../../pipeline/seal/merkle-tree.ts'
import type { JsonObject } from '../../../platform/json.ts'
import { hasKeyTwice } from '../../../platform/key-twice.ts'
import { type Finding, finding, type Given, timeCheck } from '../../verify/findings.ts'
import { type ReportData, reportDataSchema } from '../schema.ts'
import { type SealedRun, sealedFacts } from '../sealed-facts.ts'
import { dataDigest } from '../make-report.ts'
import { verifyPersonalValues } from '../personal-values.ts'
import { differences, statedFacts } from '../verify-report.ts'
import {
  BUNDLE_VERSION,
  type HeadLine,
  headLine,
  type KeptLine,
  keptLine,
  type LeafLine,
  leafLine,
  parseObject,
  rowName,
  type RunLine,
  runLine,
} from './lines.ts'
import { type ProvedLeaf, provedFacts } from './proved-facts.ts'

/**
 * Verifies a bundle from itself alone. Each run has to be a leaf under the head of the report, and each event and note a leaf
 * of such a run. The report made again from these must be the one in the bundle. Anything malformed, repeated or
 * unnecessary is a finding.
 *
 * @param given The head must be that of the report, or the bundle must relate the two.
 */
export async function verifyBundle(lines: AsyncIterable<{ readonly text: string }>, given: Given) {
  const verifier = new BundleVerifier(given)
  for await (const { text } of lines) if (text.trim() !== '') verifier.add(text)
  return verifier.result()
}

/** Position of the run that names the chain. */
const FIRST = 1

/** A checkpoint, and its signature lines after a blank one. */
const CHECKPOINT =
  /^(?<text>(?<chain>[^\n]+)\n(?<stated>[^\n]+\n[^\n]+\n))(?:\n(?<signatures>(?:— [^\n]+\n)+))?$/

class BundleVerifier {
  readonly #findings: Finding[] = []
  readonly #leaves = new Map<string, ProvedLeaf>()
  #data: ReportData | undefined
  #dataDigest: string | null = null
  #redacted = 0
  /** Proved runs by their position. */
  readonly #runs = new Map<number, JsonObject>()
  /** Runs whose rows prove a part of the report. */
  readonly #needed = new Set([FIRST])
  readonly #kept = new Set<string>()
  #last = 0
  #lastLeaf = -1
  #chain = ''
  #lineNo = 0
  #givenHeadAt: number | null = null
  #isSigned = false
  readonly #given: Given

  constructor(given: Given) {
    this.#given = given
  }

  add(line: string): void {
    this.#lineNo++
    const document = parseObject(line)
    if (document && hasKeyTwice(line, document)) this.#find(`line ${this.#lineNo}`, 'has a key twice')
    if (this.#lineNo === 1) {
      const head = headLine.safeParse(document)
      if (head.success) this.#addHead(head.data)
      else this.#find('line 1', `is not the head of a bundle of version ${BUNDLE_VERSION}`)
      return
    }
    const run = runLine.safeParse(document)
    if (run.success) return this.#addRun(run.data)
    const leaf = leafLine.safeParse(document)
    if (leaf.success) return this.#addLeaf(leaf.data)
    const kept = keptLine.safeParse(document)
    if (kept.success) this.#addKept(kept.data)
    else this.#find(`line ${this.#lineNo}`, 'is neither a run, a leaf nor a kept head')
  }

  result() {
    if (this.#data) this.#verifyReport(this.#data)
    if (this.#given.head !== undefined && this.#givenHeadAt === null) {
      this.#find(
        `head ${this.#given.head}`,
        'is not that of the report, and the bundle has no proof for it. Let the operator make the bundle again with --head',
      )
    }
    return {
      runs: this.#runs.size,
      leaves: this.#leaves.size,
      events: this.#data?.events.length ?? 0,
      decisions: this.#data?.decisions.length ?? 0,
      /** Events whose personal values were removed. */
      redacted: this.#redacted,
      data_digest: this.#dataDigest,
      period: this.#data?.head.period ?? null,
      as_of: this.#data?.head.as_of.finished_at ?? null,
      is_complete: this.#data?.head.coverage.is_complete ?? null,
      /** Null when no head was given, or the bundle does not prove it. */
      given_head_at: this.#givenHeadAt,
      chain_position: this.#data?.head.as_of.chain_position ?? null,
      chain_head: this.#data?.head.as_of.chain_head ?? null,
      /** True when the given key has signed the head; null when no key was given. */
      is_signed: this.#given.key === undefined ? null : this.#isSigned,
      findings: this.#findings,
    }
  }

  #addHead({ data, data_digest, personal_values, checkpoint }: HeadLine): void {
    this.#dataDigest = data_digest
    if (createHash('sha256').update(data).digest('hex') !== data_digest) {
      this.#find('data_digest', 'does not match the data, because one of the two was altered')
    }
    const parsed = reportDataSchema.safeParse(parseObject(data))
    if (!parsed.success) return this.#find('data', 'does not fit docs/report.schema.json')
    this.#data = parsed.data
    if (dataDigest(parsed.data) !== data_digest && this.#findings.length === 0)
      this.#find('data', 'is not written as RFC 8785 JSON')
    this.#findings.push(...verifyPersonalValues(parsed.data.events, personal_values))
    this.#redacted = parsed.data.events.length - personal_values.length
    const { chain_position: size, chain_head } = parsed.data.head.as_of
    if (chain_head === this.#given.head) this.#givenHeadAt = size
    this.#needed.add(size)
    const { text = '', chain = '', stated, signatures = '' } = CHECKPOINT.exec(checkpoint)?.groups ?? {}
    if (stated !== `${size}\n${Buffer.from(chain_head, 'hex').toString('base64')}\n`)
      this.#find('the checkpoint', 'is not the head of the chain that the report states')
    this.#chain = chain
    const { key } = this.#given
    const lines = signatures.split('\n').map((line) => line.split(' ')[2] ?? '')
    this.#isSigned = key !== undefined && lines.some((signature) => isSignedBy(text, signature, key))
    if (key !== undefined && !this.#isSigned) this.#find('the checkpoint', 'is not signed with the given key')
  }

  /** The head that the report states. */
  get #head() {
    const { chain_position: size = 0, chain_head = '' } = this.#data?.head.as_of ?? {}
    return { size, root: Buffer.from(chain_head, 'hex') }
  }

  #addRun({ run }: RunLine): void {
    const { chain_position: position } = run
    const what = `run at position ${position}`
    if (position <= this.#last || this.#kept.size > 0) this.#find(what, 'is not in the order of the chain')
    this.#last = position
    this.#lastLeaf = -1
    const proof = run.proof.map((hash) => Buffer.from(hash, 'hex'))
    const root = rootByProof(leafHash(run.row), position - 1, this.#head.size, proof)
    const row = parseObject(run.row) ?? {}
    const isProved = root?.equals(this.#head.root) && row.chain_position === position
    if (isProved) this.#runs.set(position, row)
    else this.#find(what, 'does not belong to the head of the chain, because it was altered or never sealed')
  }

  #addKept({ kept }: KeptLine): void {
    if (this.#kept.has(kept.chain_head)) this.#find(`head ${kept.chain_head}`, 'is there twice')
    this.#kept.add(kept.chain_head)
    const given = { size: kept.chain_position, root: Buffer.from(kept.chain_head, 'hex') }
    const [former, later] = given.size < this.#head.size ? [given, this.#head] : [this.#head, given]
    const proof = kept.proof.map((hash) => Buffer.from(hash, 'hex'))
    if (!isConsistent(former, later, proof)) {
      this.#find(`head ${kept.chain_head}`, 'is not of the same chain as the report')
    } else if (kept.chain_head === this.#given.head) this.#givenHeadAt = kept.chain_position
  }

  #addLeaf({ leaf }: LeafLine): void {
    const row = parseObject(leaf.row) ?? {}
    const name = rowName(row)
    const isInOrder =
      leaf.chain_position === this.#last && leaf.leaf_no > this.#lastLeaf && this.#kept.size === 0
    if (!isInOrder) this.#find(name, 'does not follow its run in the order of the leaves')
    this.#lastLeaf = leaf.leaf_no
    const proof = leaf.proof.map((hash) => Buffer.from(hash, 'hex'))
    const run = this.#runs.get(leaf.chain_position) ?? {}
    const root = rootByProof(leafHash(leaf.row), leaf.leaf_no, Number(run.leaf_count), proof)
    if (root === undefined || root.toString('hex') !== run.merkle_root)
      return this.#find(
        name,
        'does not belong to the root of its run, because it was altered or never sealed',
      )
    this.#leaves.set(name, { chain_position: leaf.chain_position, row })
    this.#needed.add(leaf.chain_position)
    if ('note_id' in row) this.#needed.add(leaf.chain_position - 1)
    const former = this.#runs.get(leaf.chain_position - 1)
    if ('note_id' in row && former === undefined && leaf.chain_position > 1)
      this.#find(name, 'cannot be compared with the end of the run before its own, which the bundle lacks')
    const problem = timeCheck(run, former ?? {})(row)
    if (problem !== undefined) this.#find(name, problem)
  }

  /** A row of a bundle can be anything, so that making the report may fail: that is a finding, too. */
  #verifyReport(data: ReportData): void {
    const { chain_position, chain_head } = data.head.as_of
    const row = this.#runs.get(chain_position) as SealedRun['row'] | undefined
    if (typeof row?.done_count !== 'number') {
      return this.#find('the chain', 'has no run for the as-of of the report')
    }
    const first = this.#runs.get(FIRST)?.run_id
    if (typeof first !== 'string' || this.#chain !== chainName(first))
      this.#find('the checkpoint', 'does not have the name of the chain, which follows from its first run')
    for (const position of this.#runs.keys()) {
      if (!this.#needed.has(position)) this.#find(`run at position ${position}`, 'is not part of the report')
    }
    try {
      const { facts, findings } = provedFacts(data, this.#leaves)
      for (const found of findings) this.#findings.push(found)
      const stated = statedFacts(data)
      const { asOf, coverage, now } = sealedFacts(data.head.media, { chain_position, chain_head, row })
      const { observed_since } = stated.coverage
      const counts = { ...stated.counts, now }
      const all = { ...stated, ...facts, asOf, coverage: { ...coverage, observed_since }, counts }
      for (const found of differences(data, all)) this.#findings.push(found)
    } catch (error) {
      this.#find('the report', `cannot be made again from the bundle: ${(error as Error).message}`)
    }
  }

  #find(what: string, problem: string): void {
    this.#findings.push(finding(what, problem))
  }
}
