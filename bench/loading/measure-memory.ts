import type { EmbeddedPostgres } from '../../src/devkit/embedded-postgres/start-embedded-postgres.ts'
import { createBenchDatabase } from './databases.ts'
import { startPayloadServer } from './payload-server.ts'
import { runSync } from './sync.ts'

export interface Memory {
  readonly tenth: Peak
  readonly whole: Peak
}

interface Peak {
  readonly identifiers: number
  readonly megabytes: number
}

/** Measures the peak memory of a first load of a fleet, and of a tenth of it. */
export async function measureMemory(
  postgres: EmbeddedPostgres,
  { fleet }: { readonly fleet: number },
): Promise<Memory> {
  using api = await startPayloadServer(8)
  const peak = async (identifiers: number): Promise<Peak> => {
    await using database = await createBenchDatabase(postgres, identifiers)
    const { megabytes } = await runSync({ databaseUrl: database.url, apiUrl: api.url })
    return { identifiers, megabytes }
  }
  const memory = { tenth: await peak(fleet / 10), whole: await peak(fleet) }
  console.log('memory', memory)
  return memory
}
