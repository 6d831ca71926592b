import { expect, it } from 'vitest'
import { isJsonObject, type JsonObject } from '../../src/platform/json.ts'
import { readReport } from '../../src/compliance/report/read/read-report.ts'
import type { ForceEvent } from '../../src/compliance/report/schema.ts'
import { createDraw, type Draw } from '../../src/devkit/simulator/draw.ts'
import type { World } from '../../src/devkit/simulator/world.ts'
import { createTestApp } from '../support/test-app.ts'
import { TEST_SEED } from '../support/test-seed.ts'

/** The number that `npm run test:soak` sets, or a smaller one. */
const NIGHTLY_RUNS = Number(process.env.FORCE_NIGHTLY_RUNS ?? 12)
const IDENTIFIERS = Number(process.env.FORCE_IDENTIFIERS ?? 120)

const HEURISTICS = ['Majority', 'Average', 'TopRelevant', 'AverageExclude10']

/** One override as the simulator performed it. */
interface Override {
  readonly at: number
  readonly hash: string
  readonly from: string | null
  readonly to: string
  /** Identifiers that were returned as finished before. Each of them has an event. */
  readonly before: readonly string[]
}

it(`after ${NIGHTLY_RUNS} nightly runs the report has every override, within its interval, and no other`, async () => {
  const draw = createDraw('force nights', NIGHTLY_RUNS, TEST_SEED)
  await using bench = await createTestApp({ world: { seed: 41, requestsUntilDone: 2 } })
  const { world } = bench.simulator
  const observer = observe(world)
  await bench.enqueue(world.register({ count: IDENTIFIERS }))
  const hashes = [...new Set(world.identifiers.map((identifier) => world.hashOf(identifier) as string))]
  const overrides: Override[] = []
  const hidden = new Map<string, number>()

  /** Overrides a file, unless not all of its identifiers were requested since its last override. The two could not be distinguished. */
  function override(): void {
    const hash = draw.pick(hashes)
    const identifiers = world.identifiers.filter((identifier) => world.hashOf(identifier) === hash)
    if (observer.isPending(overrides.findLast((made) => made.hash === hash))) return
    const from = (world.truth(identifiers[0] as string)?.force_classification ?? null) as string | null
    const to = from === 'human' ? 'artificial' : from === null && draw.chance(0.5) ? 'artificial' : 'human'
    overrides.push({ at: Date.now(), hash, from, to, before: identifiers.filter(observer.wasFinished) })
    world.override(hash, to)
  }

  for (let nightly = 1; nightly <= NIGHTLY_RUNS; nightly++) {
    const count = draw.integer(0, 4)
    for (let n = 0; n < count; n++) override()
    if (draw.chance(0.15)) world.defaultHeuristic = draw.pick(HEURISTICS)
    for (const identifier of some(draw, world.identifiers, 3)) world.reanalyze(identifier, draw.integer(1, 4))
    for (const identifier of some(draw, world.identifiers, 2))
      hidden.set(identifier, nightly + draw.integer(1, 9))
    for (const [identifier, until] of hidden) world.hide(identifier, until > nightly)
    let isOverridden = false
    await bench.run({
      trigger: 'nightly',
      onProgress: ({ returned }) => {
        // This is in the middle of the run, when some identifiers of a file have been requested and others have not.
        if (isOverridden || returned < IDENTIFIERS / 2) return
        isOverridden = true
        override()
      },
    })
    await bench.makeAllDue()
  }
  for (const identifier of hidden.keys()) world.hide(identifier, false)
  world.completeAll()
  const last = await bench.run()
  expect(last).toMatchObject({ pending_count: 0, missing_count: 0, quarantined_count: 0 })

  const { summary, decisions, events } = await readReport(bench.app.db, {
    media: 'audio',
    from: null,
    to: null,
    asOf: null,
  })
  const expected = overrides.flatMap((made) => made.before.map((identifier) => ({ made, identifier })))
  expect(expected.length).toBeGreaterThan(NIGHTLY_RUNS)
  const byIdentifier = Map.groupBy(events, ({ identifier }) => identifier)
  for (const { made, identifier } of expected) {
    const matching = (byIdentifier.get(identifier) ?? []).filter(
      (event) => event.forced_from === made.from && event.forced_to === made.to && contains(event, made.at),
    )
    expect(matching).toHaveLength(1)
    expectNarrow(matching[0] as ForceEvent, observer.finishedAt(identifier), made.at)
  }
  expect(events).toHaveLength(expected.length)
  const observed = overrides.filter((made) => made.before.length > 0)
  expect(
    decisions
      .map(({ file_hash, forced_to, identifiers }) => `${file_hash} ${forced_to} ${identifiers}`)
      .toSorted(),
  ).toEqual(observed.map(({ hash, to, before }) => `${hash} ${to} ${before.length}`).toSorted())
  for (const decision of decisions) {
    expect(
      observed.filter((made) => made.hash === decision.file_hash && contains(decision, made.at)),
    ).toHaveLength(1)
  }
  expect(summary.now.forced).toBe(
    world.identifiers.filter((id) => world.truth(id)?.force_classification).length,
  )
  expect(summary.period.already_forced).toBe(observer.alreadyForced())
})

/**
 * Expects that an event begins with the request of the last finished record before the override. It ends with the request of
 * the first one after it. The request before each of them had its response earlier, and the request after it had it later.
 */
function expectNarrow(event: ForceEvent, responses: readonly number[], at: number): void {
  const after = responses.findIndex((time) => time >= at)
  const [earlier = 0, former = 0] = [responses[after - 2], responses[after - 1]]
  const [next = 0, later = Number.POSITIVE_INFINITY] = [responses[after], responses[after + 1]]
  const [from, to] = [Date.parse(String(event.not_before)), Date.parse(event.not_after)]
  expect({ event, isNarrow: earlier <= from && from <= former && next <= to && to <= later }).toEqual({
    event,
    isNarrow: true,
  })
}

/** Records the responses at the simulator, without the code under test. */
function observe(world: World) {
  const firstFinished = new Map<string, string | null>()
  const finishedAt = new Map<string, number[]>()
  const respond = world.respond.bind(world)
  world.respond = (identifier) => {
    const record = respond(identifier)
    if (record && isFinished(record)) {
      const force = (record.force_classification ?? null) as string | null
      if (!firstFinished.has(identifier)) firstFinished.set(identifier, force)
      lastForce.set(identifier, force)
      finishedAt.set(identifier, [...(finishedAt.get(identifier) ?? []), Date.now()])
    }
    return record
  }
  const lastForce = new Map<string, string | null>()
  return {
    wasFinished: (identifier: string) => firstFinished.has(identifier),
    /** The times of the responses with its finished records. */
    finishedAt: (identifier: string) => finishedAt.get(identifier) ?? [],
    isPending: (made: Override | undefined) =>
      made !== undefined && made.before.some((identifier) => lastForce.get(identifier) !== made.to),
    alreadyForced: () => [...firstFinished.values()].filter((force) => force !== null).length,
  }
}

/** Records before v1.1.0 have no status. One with a verdict is finished. */
function isFinished({ status, verdict }: JsonObject): boolean {
  if (typeof status === 'string') return status !== 'new'
  return isJsonObject(verdict) && Object.keys(verdict).length > 0
}

/** True when a moment of this machine's clock, in milliseconds, lies in an interval of the database's clock. */
function contains(
  interval: { readonly not_before: string | null; readonly not_after: string },
  at: number,
): boolean {
  const [next, moment] = [at + 1, at].map((time) => new Date(time).toISOString().replace('Z', '000Z')) as [
    string,
    string,
  ]
  return (interval.not_before ?? '') <= next && moment <= interval.not_after
}

function some<T>(draw: Draw, list: readonly T[], most: number): T[] {
  return Array.from({ length: draw.integer(0, most) }, () => draw.pick(list))
}
