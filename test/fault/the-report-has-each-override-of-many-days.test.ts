import { expect, it } from 'vitest'
import { isJsonObject, type JsonObject } from '../../src/platform/json.ts'
import { readReport } from '../../src/compliance/report/read/read-report.ts'
import { createDraw, type Draw } from '../../src/devkit/simulator/draw.ts'
import type { World } from '../../src/devkit/simulator/world.ts'
import { createTestApp } from '../support/test-app.ts'

/** As many as `npm run test:soak` asks for, or fewer. */
const NIGHTS = Number(process.env.FORCE_NIGHTLY_RUNS ?? 16)
const IDENTIFIERS = Number(process.env.FORCE_IDENTIFIERS ?? 200)

const HEURISTICS = ['Majority', 'Average', 'TopRelevant', 'AverageExclude10']

/** One override as the simulator performed it. */
interface Act {
  readonly at: number
  readonly hash: string
  readonly from: string | null
  readonly to: string
  /** Identifiers that had been seen finished: each will show an event. */
  readonly before: readonly string[]
}

it(`over ${NIGHTS} nights the report has every override that was made, within its interval, and no other`, async () => {
  const draw = createDraw('force nights', NIGHTS)
  await using bench = await createTestApp({ world: { seed: 41, requestsUntilDone: 2 } })
  const { world } = bench.simulator
  const observer = observe(world)
  await bench.enqueue(world.register({ count: IDENTIFIERS }))
  const hashes = [...new Set(world.identifiers.map((identifier) => world.hashOf(identifier) as string))]
  const acts: Act[] = []
  const hidden = new Map<string, number>()

  /** Overrides a file, unless an earlier override of it has not been seen by all: that one could not be told from this. */
  function override(): void {
    const hash = draw.pick(hashes)
    const identifiers = world.identifiers.filter((identifier) => world.hashOf(identifier) === hash)
    if (observer.isPending(acts.findLast((act) => act.hash === hash))) return
    const from = (world.truth(identifiers[0] as string)?.force_classification ?? null) as string | null
    const to = from === 'human' ? 'artificial' : from === null && draw.chance(0.5) ? 'artificial' : 'human'
    acts.push({ at: Date.now(), hash, from, to, before: identifiers.filter(observer.hasSeenFinished) })
    world.override(hash, to)
  }

  for (let night = 1; night <= NIGHTS; night++) {
    const overrides = draw.integer(0, 4)
    for (let n = 0; n < overrides; n++) override()
    if (draw.chance(0.15)) world.defaultHeuristic = draw.pick(HEURISTICS)
    for (const identifier of some(draw, world.identifiers, 3)) world.reanalyze(identifier, draw.integer(1, 4))
    for (const identifier of some(draw, world.identifiers, 2))
      hidden.set(identifier, night + draw.integer(1, 9))
    for (const [identifier, until] of hidden) world.hide(identifier, until > night)
    let isOverridden = false
    await bench.run({
      trigger: 'nightly',
      onProgress: ({ returned }) => {
        // In the middle of the sweep, when some submissions of a file have been asked and others have not.
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
  const expected = acts.flatMap((act) => act.before.map((identifier) => ({ act, identifier })))
  expect(expected.length).toBeGreaterThan(NIGHTS)
  const byIdentifier = Map.groupBy(events, ({ identifier }) => identifier)
  for (const { act, identifier } of expected) {
    const matching = (byIdentifier.get(identifier) ?? []).filter(
      (event) => event.forced_from === act.from && event.forced_to === act.to && contains(event, act.at),
    )
    expect(matching).toHaveLength(1)
  }
  expect(events).toHaveLength(expected.length)
  const seenActs = acts.filter((act) => act.before.length > 0)
  expect(
    decisions
      .map(({ file_hash, forced_to, identifiers }) => `${file_hash} ${forced_to} ${identifiers}`)
      .toSorted(),
  ).toEqual(seenActs.map(({ hash, to, before }) => `${hash} ${to} ${before.length}`).toSorted())
  for (const decision of decisions) {
    expect(
      seenActs.filter((act) => act.hash === decision.file_hash && contains(decision, act.at)),
    ).toHaveLength(1)
  }
  expect(summary.now.forced).toBe(
    world.identifiers.filter((id) => world.truth(id)?.force_classification).length,
  )
  expect(summary.period.already_forced).toBe(observer.alreadyForced())
})

/** Records the responses at the simulator, without the code under test. */
function observe(world: World) {
  const firstFinished = new Map<string, string | null>()
  const respond = world.respond.bind(world)
  world.respond = (identifier) => {
    const record = respond(identifier)
    if (record && isFinished(record)) {
      const force = (record.force_classification ?? null) as string | null
      if (!firstFinished.has(identifier)) firstFinished.set(identifier, force)
      lastForce.set(identifier, force)
    }
    return record
  }
  const lastForce = new Map<string, string | null>()
  return {
    hasSeenFinished: (identifier: string) => firstFinished.has(identifier),
    isPending: (act: Act | undefined) =>
      act !== undefined && act.before.some((identifier) => lastForce.get(identifier) !== act.to),
    alreadyForced: () => [...firstFinished.values()].filter((force) => force !== null).length,
  }
}

/** Before v1.1.0 there is no status: a verdict tells. */
function isFinished({ status, verdict }: JsonObject): boolean {
  if (typeof status === 'string') return status !== 'new'
  return isJsonObject(verdict) && Object.keys(verdict).length > 0
}

/** Whether a moment of this machine's clock, in milliseconds, lies in an interval of the database's clock. */
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
