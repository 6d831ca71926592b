import { createHash } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { startEmbeddedPostgres } from '../../src/devkit/embedded-postgres/start-embedded-postgres.ts'
import { CATALOGUE } from './catalogue.ts'
import { type Mutation, mutated, PROJECT } from './mutation.ts'
import { runTests, type TestRun } from './vitest-run.ts'

/** Least share of killed mutations. */
const LEAST_SCORE = 0.9

/** Each has a copy of the project and a server of its own. */
const WORKERS = 2

const CACHE = path.join(PROJECT, 'node_modules/.cache/mutations.json')
const NOT_COPIED = new Set(
  ['.git', 'node_modules', 'dist', 'coverage'].map((name) => path.join(PROJECT, name)),
)

type Verdict = 'killed' | 'survived' | 'error'

interface Result {
  readonly verdict: Verdict
  /** The test that noticed it, or the error. */
  readonly detail: string
}

type Results = Record<string, Result>

/** A copy of the project, and a server for its tests. */
type Workshop = Awaited<ReturnType<typeof openWorkshop>>

const {
  positionals: filters,
  values: { all },
} = parseArgs({ allowPositionals: true, options: { all: { type: 'boolean', default: false } } })
const chosen = CATALOGUE.filter(({ file, breaks }) =>
  filters.every((filter) => `${file}: ${breaks}`.toLowerCase().includes(filter.toLowerCase())),
)
/** Read once, because the files may change meanwhile. */
const digests = new Map(CATALOGUE.map((mutation) => [mutation, digestOf(mutation)]))
const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(new Error(name)))

/** Applies each chosen mutation alone, and runs its tests. Returns true when enough of them fail. */
async function main(): Promise<boolean> {
  const results = all ? {} : readResults()
  const waiting = chosen.filter((mutation) => results[keyOf(mutation)] === undefined)
  console.log(`${chosen.length} mutations, ${waiting.length} of them changed since their last run.`)
  if (waiting.length > 0) await execute(waiting, results)
  return summarize(results)
}

async function execute(waiting: readonly Mutation[], results: Results): Promise<void> {
  const workshops: Workshop[] = []
  try {
    for (let no = 0; no < Math.min(WORKERS, waiting.length); no++) workshops.push(await openWorkshop())
    const isTested = await checkTests(workshops[0] as Workshop, waiting)
    const left = [...waiting.entries()]
    await Promise.all(
      workshops.map(async (workshop) => {
        for (let next = left.shift(); next !== undefined; next = left.shift()) {
          const [index, mutation] = next
          const startedAt = performance.now()
          const result = isTested(mutation) ? await resultOf(workshop, mutation) : UNTESTED
          const seconds = Math.round((performance.now() - startedAt) / 1000)
          console.log(`${index + 1}/${waiting.length} ${result.verdict} (${seconds} s) ${nameOf(mutation)}`)
          if (result.verdict === 'killed') console.log(`    by ${result.detail}`)
          results[keyOf(mutation)] = result
          if (result.verdict !== 'error') storeResults(results)
        }
      }),
    )
  } finally {
    for (const workshop of workshops) await workshop.close()
  }
}

/**
 * Runs the tests of all these mutations without any, because a test that fails anyway would kill each of them. Returns whether
 * the tests of a mutation pass, and are not empty.
 */
async function checkTests(
  workshop: Workshop,
  mutations: readonly Mutation[],
): Promise<(mutation: Mutation) => boolean> {
  const tests = [...new Set(mutations.flatMap((mutation) => mutation.tests))]
  console.log(`Running ${tests.length} test files without a mutation ...`)
  const { detail, passed, failed } = await workshop.run({ tests, isBaseline: true })
  if (failed.size > 0) console.log(`These fail without a mutation: ${[...failed].join(', ')}\n${detail}`)
  return ({ tests: own, only = '' }) =>
    own.every((file) => !failed.has(file)) &&
    own.flatMap((file) => passed.get(file) ?? []).some((name) => name.includes(only))
}

const UNTESTED: Result = { verdict: 'error', detail: 'Its tests fail without it, or none of them runs.' }

async function resultOf(workshop: Workshop, mutation: Mutation): Promise<Result> {
  const copy = path.join(workshop.folder, mutation.file)
  const original = readFileSync(copy)
  try {
    writeFileSync(copy, mutated(mutation, workshop.folder))
    const { result, detail } = await workshop.run(mutation)
    return { verdict: VERDICTS[result], detail }
  } finally {
    writeFileSync(copy, original)
  }
}

const VERDICTS = { passed: 'survived', failed: 'killed', error: 'error' } as const satisfies Record<
  TestRun['result'],
  Verdict
>

async function openWorkshop() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'identifai-sync-mutations-'))
  // Other users may enter it, because a demo that root starts does so.
  chmodSync(folder, 0o755)
  cpSync(PROJECT, folder, { recursive: true, filter: (source) => !NOT_COPIED.has(source) })
  symlinkSync(path.join(PROJECT, 'node_modules'), path.join(folder, 'node_modules'))
  const server = await startEmbeddedPostgres()
  return {
    folder,
    run: (options: Pick<Mutation, 'tests' | 'only'> & { readonly isBaseline?: boolean }) =>
      runTests(folder, { ...options, serverUrl: server.url(), signal: stop.signal }),
    close: async () => {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Prints the survivors and the score. Returns true when the score is high enough, and nothing is an error. */
function summarize(results: Results): boolean {
  const judged = chosen.map((mutation) => ({ mutation, ...(results[keyOf(mutation)] as Result) }))
  for (const verdict of ['survived', 'error'] as const) {
    for (const { mutation, detail } of judged.filter((one) => one.verdict === verdict)) {
      console.log(`\n${verdict}: ${nameOf(mutation)}\n  - ${mutation.from}\n  + ${mutation.to}\n  ${detail}`)
    }
  }
  const count = (verdict: Verdict) => judged.filter((one) => one.verdict === verdict).length
  const [killed, survived, errors] = [count('killed'), count('survived'), count('error')]
  const score = killed / (killed + survived)
  console.log(`\n${killed} killed, ${survived} survived, ${errors} errors: ${(100 * score).toFixed(1)} %`)
  return errors === 0 && score >= LEAST_SCORE
}

function nameOf({ file, breaks }: Mutation): string {
  return `${file}: ${breaks}`
}

/** A result holds while the mutation, the mutated file and its tests are the same. */
function digestOf(mutation: Mutation): string {
  const digest = createHash('sha256').update(JSON.stringify(mutation))
  for (const file of [mutation.file, ...mutation.tests]) digest.update(readFileSync(path.join(PROJECT, file)))
  return digest.digest('hex')
}

function keyOf(mutation: Mutation): string {
  return digests.get(mutation) as string
}

function readResults(): Results {
  try {
    return JSON.parse(readFileSync(CACHE, 'utf8')) as Results
  } catch {
    return {}
  }
}

/** Keeps the results of the present mutations only. */
function storeResults(results: Results): void {
  const present = new Set(digests.values())
  const kept = Object.entries(results).filter(
    ([digest, { verdict }]) => present.has(digest) && verdict !== 'error',
  )
  mkdirSync(path.dirname(CACHE), { recursive: true })
  writeFileSync(CACHE, JSON.stringify(Object.fromEntries(kept)))
}

try {
  process.exitCode = (await main()) ? 0 : 1
} catch (error) {
  if (!stop.signal.aborted) throw error
  process.exitCode = 130
}
