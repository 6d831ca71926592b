import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../src/devkit/embedded-postgres/start-embedded-postgres.ts'

/** Starts a server of its own. */
export function startTestServer(settings: Readonly<Record<string, string>> = {}): Promise<EmbeddedPostgres> {
  // The WAL of a whole suite would be too much for the memory.
  return startEmbeddedPostgres({ max_wal_size: '1GB', ...settings })
}
