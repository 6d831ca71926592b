import { parseArgs } from 'node:util'
import { CATALOGUE } from './catalogue.ts'
import type { Mutation } from './mutation.ts'
import { type Result, Results, type Verdict } from './results.ts'
import { openWorkshop, type Workshop } from './workshop.ts'

/** Least share of killed mutations. */
const LEAST_SCORE = 0.9

/** Mutations that are tried at the same time. */
const WORKSHOPS = 2

const UNTESTED: Result = { verdict: 'error', detail: 'Its tests fail without it, or none of them runs.' }

const { positionals: filters, values } = parseArgs({
  allowPositionals: true,
  options: { all: { type: 'boolean', default: false } },
})
const chosen = CATALOGUE.filter((mutation) =>
  filters.every((filter) => nameOf(mutation).toLowerCase().includes(filter.toLowerCase())),
)
const results = new Results({ isEmpty: values.all })
const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(new Error(name)))
try {
  process.exitCode = (await main()) ? 0 : 1
} catch (error) {
  if (!stop.signal.aborted) throw error
  process.exitCode = 130
}

/** Applies each chosen mutation alone, and runs its tests. Returns true when enough of them fail. */
async function main(): Promise<boolean> {
  const waiting = chosen.filter((mutation) => results.get(mutation) === undefined)
  console.log(`${chosen.length} mutations, ${waiting.length} of them changed since their last run.`)
  if (waiting.length > 0) await tryAll(waiting)
  return summarize()
}

async function tryAll(mutations: readonly Mutation[]): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const workshops: Workshop[] = []
  while (workshops.length < Math.min(WORKSHOPS, mutations.length))
    workshops.push(stack.use(await openWorkshop(stop.signal)))
  const isTested = await checkTests(workshops[0] as Workshop, mutations)
  const left = [...mutations.entries()]
  await Promise.all(
    workshops.map(async (workshop) => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        const [index, mutation] = next
        const startedAt = performance.now()
        const result = isTested(mutation) ? await workshop.tryMutation(mutation) : UNTESTED
        results.set(mutation, result)
        const seconds = Math.round((performance.now() - startedAt) / 1000)
        const { verdict, detail } = result
        console.log(`${index + 1}/${mutations.length} ${verdict} (${seconds} s) ${nameOf(mutation)}`)
        if (verdict === 'killed') console.log(`    by ${detail}`)
      }
    }),
  )
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
  const { detail, passed, failed } = await workshop.runBaseline(tests)
  for (const [file, names] of failed) console.log(`Fails without a mutation: ${file}: ${names.join(', ')}`)
  if (failed.size > 0) console.log(detail)
  return ({ tests: own, only = '' }) => {
    const isChosen = (name: string) => name.includes(only)
    const isBad = own.some((file) => failed.get(file)?.length === 0 || failed.get(file)?.some(isChosen))
    return !isBad && own.flatMap((file) => passed.get(file) ?? []).some(isChosen)
  }
}

/** Prints the survivors and the score. Returns true when the score is high enough, and nothing is an error. */
function summarize(): boolean {
  const count = { killed: 0, survived: 0, error: 0 } satisfies Record<Verdict, number>
  for (const mutation of chosen) {
    const { verdict, detail } = results.get(mutation) as Result
    count[verdict]++
    if (verdict === 'killed') continue
    const { from, to } = mutation
    console.log(`\n${verdict}: ${nameOf(mutation)}\n  - ${from}\n  + ${to}\n  ${detail}`)
  }
  const { killed, survived, error } = count
  const score = killed / (killed + survived)
  console.log(`\n${killed} killed, ${survived} survived, ${error} errors: ${(100 * score).toFixed(1)} %`)
  return error === 0 && score >= LEAST_SCORE
}

function nameOf({ file, breaks }: Mutation): string {
  return `${file}: ${breaks}`
}
