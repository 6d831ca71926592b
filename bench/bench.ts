/**
 * Compares a first load and a refresh with plain COPY of the same rows, a straightforward implementation with Kysely,
 * and dlt. Each runs in every round, and medians count. Measures the costs of large volumes, and times the reporting views.
 * Writes docs/benchmarks.md.
 *
 * npm run bench [-- --identifiers 10000 --rounds 5 --backlog 10000000 --fleet 200000 --classifications 1000000]
 */
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { startEmbeddedPostgres } from '../src/devkit/embedded-postgres/start-embedded-postgres.ts'
import { measureBacklog } from './loading/measure-backlog.ts'
import { measureLoading } from './loading/measure-loading.ts'
import { measureFleet } from './loading/measure-fleet.ts'
import { measureHalfQuota } from './loading/measure-half-quota.ts'
import { measureHeldSnapshot } from './loading/measure-held-snapshot.ts'
import { measureSizes } from './loading/measure-sizes.ts'
import { measureViews } from './views/measure-views.ts'
import { openSeeded } from './views/open-seeded.ts'
import { writeReport } from './write-report.ts'

const { values } = parseArgs({
  options: {
    identifiers: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '5' },
    backlog: { type: 'string', default: '10000000' },
    fleet: { type: 'string', default: '200000' },
    classifications: { type: 'string', default: '1000000' },
  },
})
const size = {
  identifiers: Number(values.identifiers),
  rounds: Number(values.rounds),
  backlog: Number(values.backlog),
  fleet: Number(values.fleet),
  classifications: Number(values.classifications),
}

const folder = await mkdtemp(path.join(os.tmpdir(), 'identifai-sync-bench-'))
try {
  await using postgres = await startEmbeddedPostgres()
  const loading = await measureLoading(postgres, { ...size, folder })
  const backlog = await measureBacklog(postgres, size)
  const fleet = await measureFleet(postgres, size)
  const heldSnapshot = await measureHeldSnapshot(postgres, size)
  const halfQuota = await measureHalfQuota(postgres, size)
  const sizes = await measureSizes(postgres)
  await using seeded = await openSeeded(postgres.url(), size.classifications)
  const views = await Array.fromAsync(measureViews(seeded.db))
  writeReport({ size, loading, backlog, fleet, heldSnapshot, halfQuota, sizes, views })
} finally {
  await rm(folder, { recursive: true })
}
