import { sql } from 'kysely'
import type { EmbeddedPostgres } from '../../src/devkit/embedded-postgres/start-embedded-postgres.ts'
import { medianRatio } from '../median.ts'
import { type BenchDatabase, createTemplate, makeDue, type Template } from './databases.ts'
import { startPayloadServer } from './payload-server.ts'
import { runSync } from './sync.ts'

const [IDENTIFIERS, REFRESHES] = [60_000, 3]

export interface HeldSnapshot {
  readonly identifiers: number
  /** For each refresh in a row, its time while a snapshot is held, divided by its time without one; the median of all rounds. */
  readonly ratios: readonly number[]
}

/**
 * Refreshes many identifiers several times while another session holds a snapshot, as a backup or a long report does. Until
 * it ends, PostgreSQL cannot remove the old versions of the rows of the queue, nor their index entries.
 */
export async function measureHeldSnapshot(
  postgres: EmbeddedPostgres,
  { rounds }: { readonly rounds: number },
): Promise<HeldSnapshot> {
  using api = await startPayloadServer(8)
  const load = ({ url }: BenchDatabase) => runSync({ databaseUrl: url, apiUrl: api.url })
  await using loaded = await createTemplate(postgres, IDENTIFIERS, load)
  const [held, free]: [number[][], number[][]] = [[], []]
  for (let round = 1; round <= rounds; round++) {
    held.push(await refreshes(loaded, api.url, holdSnapshot))
    free.push(await refreshes(loaded, api.url, async () => async () => {}))
    console.log(`snapshot, round ${round}`, held.at(-1), free.at(-1))
  }
  const ratios = Array.from({ length: REFRESHES }, (_, refresh) =>
    medianRatio(timesOf(refresh, held), timesOf(refresh, free)),
  )
  return { identifiers: IDENTIFIERS, ratios }
}

function timesOf(refresh: number, rounds: readonly number[][]): number[] {
  return rounds.map((seconds) => seconds[refresh] ?? Number.NaN)
}

/** Seconds of each of several refreshes in a row. */
async function refreshes(
  loaded: Template,
  apiUrl: string,
  hold: (database: BenchDatabase) => Promise<() => Promise<unknown>>,
): Promise<number[]> {
  await using database = await loaded.copy()
  const end = await hold(database)
  const seconds = []
  for (let refresh = 0; refresh < REFRESHES; refresh++) {
    await makeDue(database)
    seconds.push((await runSync({ databaseUrl: database.url, apiUrl })).seconds)
  }
  await end()
  return seconds
}

/** Returns a function that ends the snapshot. */
async function holdSnapshot({ db }: BenchDatabase): Promise<() => Promise<unknown>> {
  const transaction = await db.startTransaction().setIsolationLevel('repeatable read').execute()
  await sql`select count(*) from identifai.identifiers`.execute(transaction)
  return () => transaction.rollback().execute()
}
