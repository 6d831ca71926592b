/**
 * Compares a first load and a refresh with plain COPY of the same rows, a straightforward implementation with Kysely,
 * and dlt. Each runs in every round, and medians count. Writes docs/benchmarks.md.
 *
 * npm run bench [-- --identifiers 10000 --rounds 5 --backlog 10000000 --fleet 200000]
 */
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { startEmbeddedPostgres } from '../src/devkit/embedded-postgres/start-embedded-postgres.ts'
import { measureBacklog } from './loading/measure-backlog.ts'
import { measureLoading } from './loading/measure-loading.ts'
import { measureMemory } from './loading/measure-memory.ts'
import { measureSizes } from './loading/measure-sizes.ts'
import { writeReport } from './loading/write-report.ts'

const { values } = parseArgs({
  options: {
    identifiers: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '5' },
    backlog: { type: 'string', default: '10000000' },
    fleet: { type: 'string', default: '200000' },
  },
})
const size = {
  identifiers: Number(values.identifiers),
  rounds: Number(values.rounds),
  backlog: Number(values.backlog),
  fleet: Number(values.fleet),
}

const folder = await mkdtemp(path.join(os.tmpdir(), 'identifai-sync-bench-'))
try {
  await using postgres = await startEmbeddedPostgres()
  const loading = await measureLoading(postgres, { ...size, folder })
  const backlog = await measureBacklog(postgres, size)
  const memory = await measureMemory(postgres, size)
  const sizes = await measureSizes(postgres)
  writeReport({ size, loading, backlog, memory, sizes })
} finally {
  await rm(folder, { recursive: true })
}
