import type { EmbeddedPostgres } from '../../src/devkit/embedded-postgres/start-embedded-postgres.ts'
import { createBenchDatabase } from './databases.ts'
import { startPayloadServer } from './payload-server.ts'
import { runSync } from './sync.ts'

export interface Fleet {
  readonly tenth: FirstLoad
  readonly whole: FirstLoad
  /** Processor time of Node for one more record, in milliseconds. */
  readonly cpuMs: number
}

interface FirstLoad {
  readonly identifiers: number
  /** Peak of the resident memory. */
  readonly megabytes: number
  readonly cpuSeconds: number
}

/** Measures the memory and the processor time of a first load of a fleet, and of a tenth of it. */
export async function measureFleet(
  postgres: EmbeddedPostgres,
  { fleet }: { readonly fleet: number },
): Promise<Fleet> {
  using api = await startPayloadServer(8)
  const load = async (identifiers: number): Promise<FirstLoad> => {
    await using database = await createBenchDatabase(postgres, identifiers)
    const { megabytes, cpuSeconds } = await runSync({ databaseUrl: database.url, apiUrl: api.url })
    return { identifiers, megabytes, cpuSeconds }
  }
  const [tenth, whole] = [await load(fleet / 10), await load(fleet)]
  const records = whole.identifiers - tenth.identifiers
  const measured = { tenth, whole, cpuMs: ((whole.cpuSeconds - tenth.cpuSeconds) / records) * 1000 }
  console.log('fleet', measured)
  return measured
}
