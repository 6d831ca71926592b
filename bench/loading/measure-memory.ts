import { sql } from 'kysely'
import type { EmbeddedPostgres } from '../../src/embedded-postgres/start-embedded-postgres.ts'
import { type BenchDatabase, createBenchDatabase } from './databases.ts'
import { startPayloadServer } from './payload-server.ts'
import { runSync } from './sync.ts'

export interface Memory {
  readonly tenth: { readonly identifiers: number; readonly megabytes: number }
  readonly whole: { readonly identifiers: number; readonly megabytes: number }
  /** Gigabytes on disk for a million classifications, tables with their indexes. */
  readonly gigabytesPerMillion: Readonly<Record<string, number>>
}

/** Peaks of memory of a first load of a fleet, and of a tenth of it. */
export async function measureMemory(
  postgres: EmbeddedPostgres,
  { fleet }: { readonly fleet: number },
): Promise<Memory> {
  using api = await startPayloadServer(8)
  const peak = async (identifiers: number, look: (database: BenchDatabase) => Promise<void>) => {
    await using database = await createBenchDatabase(postgres, identifiers)
    const { megabytes } = await runSync({ databaseUrl: database.url, apiUrl: api.url })
    await look(database)
    return { identifiers, megabytes }
  }
  let gigabytesPerMillion = {}
  const memory = {
    tenth: await peak(fleet / 10, async () => {}),
    whole: await peak(fleet, async (database) => {
      gigabytesPerMillion = await sizes(database, fleet)
    }),
  }
  console.log('memory', memory, gigabytesPerMillion)
  return { ...memory, gigabytesPerMillion }
}

async function sizes({ db }: BenchDatabase, classifications: number): Promise<Record<string, number>> {
  const { rows } = await sql<{ name: string; bytes: number }>`
    select c.relname as name, pg_total_relation_size(c.oid) as bytes from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = 'identifai' and c.relkind = 'r' order by 2 desc`.execute(db)
  return Object.fromEntries(
    rows
      .map(({ name, bytes }) => [name, ((bytes / classifications) * 1e6) / 2 ** 30] as const)
      .filter(([, gigabytes]) => gigabytes >= 0.01),
  )
}
