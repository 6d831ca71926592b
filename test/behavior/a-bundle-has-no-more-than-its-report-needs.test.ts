import { afterAll, beforeAll, expect, it } from 'vitest'
import { verifyBundle } from '../../src/compliance/report/bundle/verify-bundle.ts'
import { bundleLines } from '../../src/compliance/report/read/bundle-lines.ts'
import { readRoots } from '../../src/pipeline/seal/chain-tree.ts'
import { inclusionRanges } from '../../src/pipeline/seal/merkle-tree.ts'
import { sealedRunsAt } from '../../src/pipeline/seal/read-rows.ts'
import { canonicalJson } from '../../src/platform/canonical-json.ts'
import { at, firstRevision, forced, reportOnJuly } from '../support/july.ts'
import { sealHistory, trackFinished } from '../support/seal-history.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let database: TestDatabase
/** The lines of a bundle of four runs. It needs the first one, the third one with its event, and the fourth one. */
let lines: readonly string[]
beforeAll(async () => {
  database = await createTestDatabase()
  const { db } = database
  await trackFinished(db, 1, { enqueuedAt: at(1), confirmedAt: at(25) })
  await sealHistory(db, firstRevision([1]))
  await sealHistory(db, [])
  await sealHistory(db, [forced(1, at(12), at(13))])
  await sealHistory(db, [])
  lines = await Array.fromAsync(bundleLines(db, await reportOnJuly(db), []))
})
afterAll(() => database[Symbol.asyncDispose]())

async function findingsOf(texts: readonly string[]): Promise<string[]> {
  async function* read() {
    for (const text of texts) yield { text }
  }
  const { findings } = await verifyBundle(read(), {})
  return findings.map(({ what, problem }) => `${what} ${problem}`)
}

it('a bundle as it was made has no findings', async () => {
  expect(await findingsOf(lines)).toEqual([])
})

it('a run that the report does not need is a finding, although it is proved', async () => {
  const [run] = await Array.fromAsync(sealedRunsAt(database.db, [2]))
  const proof = (await readRoots(database.db, inclusionRanges(1, 4))).map((hash) => hash.toString('hex'))
  const text = JSON.stringify({ run: { chain_position: 2, proof, row: canonicalJson(run?.row ?? {}) } })
  const place = lines.findIndex((line) => line.includes('"chain_position":3'))
  expect(await findingsOf(lines.toSpliced(place, 0, text))).toEqual([
    'run at position 2 is not part of the report',
  ])
})

it('the name of another chain is a finding', async () => {
  const [head = '', ...others] = lines
  const renamed = head.replace(/"checkpoint":"[^\\]+/, '"checkpoint":"identifai-sync/another')
  expect(renamed).not.toBe(head)
  expect(await findingsOf([renamed, ...others])).toEqual([
    'the checkpoint does not have the name of the chain, which follows from its first run',
  ])
})
